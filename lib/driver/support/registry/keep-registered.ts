import { errorText } from '../../../protocol/internal.js';
import { systemAfter, type After } from '../../../support/after.js';
import type { DriverRegistration, RegisterOptions } from '../../driver.js';
import { retryUntilStopped } from '../tools/retry-until-stopped.js';

/** A registration that the registry has accepted, and that is renewed until it is lost. */
export interface Lease {
  /** Resolves when the registration is lost, or rejects with the reason. */
  readonly lost: Promise<void>;
  /** Removes the registration. */
  revoke(): Promise<void>;
}

/** The registration to keep. */
export interface RegistrationTask {
  /** Names the registration in messages, e.g. `dtmservice in etcd at 127.0.0.1:2379`. */
  readonly name: string;
  /**
   * Registers once.
   *
   * @param signal - is aborted when the registration is closed; `lost` then need not settle
   * @throws Error with the reason
   */
  register(signal: AbortSignal): Promise<Lease>;
}

/** The time for the first attempt, after which the caller goes on and the registration continues in the background. */
const FIRST_ATTEMPT_MS = 3000;

/** The time to deregister: a registry that does not answer drops the registration by itself. */
const DEREGISTER_MS = 3000;

/**
 * Keeps something registered until it is closed, and registers it again after a loss.
 *
 * @param task - what is registered
 * @param options - see {@link RegisterOptions}
 * @param after - timers
 * @returns after the first attempt, whether it succeeded or not
 */
export function keepRegistered(
  { name, register }: RegistrationTask,
  { report }: RegisterOptions = {},
  after: After = systemAfter,
): Promise<DriverRegistration> {
  return new Promise((resolve) => {
    const registration = new KeptRegistration(name, report, after);
    const cancel = after(FIRST_ATTEMPT_MS, () => registration.report(`${name} is not registered yet: no answer`));
    registration.start(register, () => {
      cancel();
      resolve(registration);
    });
  });
}

class KeptRegistration implements DriverRegistration {
  readonly #name: string;
  readonly #report: RegisterOptions['report'];
  readonly #after: After;
  #problem: string | undefined;
  #hasReported = false;
  #onFirstReport = (): void => undefined;
  #stop = (): void => undefined;
  #attempting: Promise<Lease | undefined> | undefined;
  #lease: Lease | undefined;
  #closing: Promise<void> | undefined;

  constructor(name: string, report: RegisterOptions['report'], after: After) {
    this.#name = name;
    this.#report = report;
    this.#after = after;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  start(register: RegistrationTask['register'], onFirstReport: () => void): void {
    this.#onFirstReport = onFirstReport;
    this.#stop = retryUntilStopped(
      {
        attempt: (signal, succeeded) => this.#attempt(register, signal, succeeded),
        failed: (reason) => this.report(`${this.#name} cannot be registered: ${reason}`),
      },
      this.#after,
    );
  }

  report(problem: string | undefined): void {
    if (this.#closing || (this.#hasReported && problem === this.#problem)) return;
    this.#problem = problem;
    this.#report?.(problem);
    if (!this.#hasReported) this.#onFirstReport();
    this.#hasReported = true;
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #attempt(register: RegistrationTask['register'], signal: AbortSignal, succeeded: () => void): Promise<void> {
    this.#attempting = this.#register(register, signal);
    const lease = await this.#attempting;
    if (!lease) return;
    succeeded();
    this.report(undefined);
    const reason = await lease.lost.then(
      () => '',
      (error: unknown) => `: ${errorText(error)}`,
    );
    this.#lease = undefined;
    if (!signal.aborted) this.report(`${this.#name} is no longer registered${reason}; the driver registers it again`);
  }

  /** A registration that succeeds after the close is revoked at once. */
  async #register(register: RegistrationTask['register'], signal: AbortSignal): Promise<Lease | undefined> {
    const lease = await register(signal);
    if (!signal.aborted) return (this.#lease = lease);
    await lease.revoke();
    return undefined;
  }

  #close(): Promise<void> {
    this.#stop();
    // a registration under way must not outlive its owner
    const attempted = this.#attempting?.then(
      () => undefined,
      () => undefined,
    );
    const revoking = this.#lease?.revoke() ?? attempted ?? Promise.resolve();
    return new Promise((resolve, reject) => {
      const late = new Error(`${this.#name} could not be deregistered: no answer`);
      const cancel = this.#after(DEREGISTER_MS, () => reject(late));
      revoking.then(resolve, reject).finally(cancel);
    });
  }
}
