import { errorText } from '../../../protocol/internal.js';
import { systemAfter, type After } from '../../../support/after.js';
import type { DriverRegistration, RegisterOptions } from '../../driver.js';
import { retryUntilStopped } from '../tools/retry-until-stopped.js';

/** An entry that was made. */
export interface Lease {
  /** Resolves when it is lost, rejects with the reason when that is known; until then it is kept alive. */
  readonly lost: Promise<void>;
  /** Takes it out again. */
  leave(): Promise<void>;
}

/** Makes an entry. */
export interface RegistrationAttempt {
  /** Names it in messages, e.g. `dtmservice in etcd at 127.0.0.1:2379`. */
  readonly what: string;
  /**
   * Makes the entry once.
   *
   * @param signal - is aborted when it is not wanted any more; `lost` then need not settle
   * @throws Error saying why it could not
   */
  enter(signal: AbortSignal): Promise<Lease>;
}

/** Time for the first attempt, after which the registration goes on in the background. */
const FIRST_ATTEMPT_MS = 3000;

/** Time to leave: a registry that is gone drops the entry by itself. */
const LEAVE_MS = 3000;

/**
 * Keeps an entry in a registry until it is closed: makes it, and makes it again when it was lost.
 *
 * @param entering - makes it
 * @param options - who is told about problems
 * @param after - timers
 * @returns after the first attempt, whatever came of it
 */
export function keepRegistered(
  { what, enter }: RegistrationAttempt,
  { report }: RegisterOptions = {},
  after: After = systemAfter,
): Promise<DriverRegistration> {
  return new Promise((resolve) => {
    const registration = new KeptRegistration(what, report, after);
    const cancel = after(FIRST_ATTEMPT_MS, () => registration.tell(`${what} is not registered yet: no answer`));
    registration.start(enter, () => {
      cancel();
      resolve(registration);
    });
  });
}

class KeptRegistration implements DriverRegistration {
  readonly #what: string;
  readonly #report: RegisterOptions['report'];
  readonly #after: After;
  #problem: string | undefined;
  #isTold = false;
  #onFirst = (): void => undefined;
  #stop = (): void => undefined;
  #entering: Promise<Lease | undefined> | undefined;
  #entered: Lease | undefined;
  #closing: Promise<void> | undefined;

  constructor(what: string, report: RegisterOptions['report'], after: After) {
    this.#what = what;
    this.#report = report;
    this.#after = after;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  start(enter: RegistrationAttempt['enter'], onFirst: () => void): void {
    this.#onFirst = onFirst;
    this.#stop = retryUntilStopped(
      {
        attempt: (signal, worked) => this.#attempt(enter, signal, worked),
        failed: (reason) => this.tell(`${this.#what} cannot be registered: ${reason}`),
      },
      this.#after,
    );
  }

  tell(problem: string | undefined): void {
    if (this.#closing || (this.#isTold && problem === this.#problem)) return;
    this.#problem = problem;
    this.#report?.(problem);
    if (!this.#isTold) this.#onFirst();
    this.#isTold = true;
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #attempt(enter: RegistrationAttempt['enter'], signal: AbortSignal, worked: () => void): Promise<void> {
    this.#entering = this.#enter(enter, signal);
    const entered = await this.#entering;
    if (!entered) return;
    worked();
    this.tell(undefined);
    const reason = await entered.lost.then(
      () => '',
      (error: unknown) => `: ${errorText(error)}`,
    );
    this.#entered = undefined;
    if (!signal.aborted) this.tell(`${this.#what} was lost${reason}; it is entered again`);
  }

  /** What comes too late is taken out at once. */
  async #enter(enter: RegistrationAttempt['enter'], signal: AbortSignal): Promise<Lease | undefined> {
    const entered = await enter(signal);
    if (!signal.aborted) return (this.#entered = entered);
    await entered.leave();
    return undefined;
  }

  #close(): Promise<void> {
    this.#stop();
    // an entry that is being made now must not outlive its owner
    const made = this.#entering?.then(
      () => undefined,
      () => undefined,
    );
    const leaving = this.#entered?.leave() ?? made ?? Promise.resolve();
    return new Promise((resolve, reject) => {
      const late = new Error(`${this.#what} could not be taken out of the registry: no answer`);
      const cancel = this.#after(LEAVE_MS, () => reject(late));
      leaving.then(resolve, reject).finally(cancel);
    });
  }
}
