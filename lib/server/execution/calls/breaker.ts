import type { Outcome } from '../../../protocol/internal.js';
import type { Held } from '../../engine/pass.js';
import type { CoordinatorEnvironment } from '../../environment/environment.js';
import type { Waker } from '../waker.js';
import { isSameTarget } from './target.js';

/** Most targets that are remembered for not answering; beyond it the one that was called longest ago is forgotten. */
const MAX_TARGETS = 10_000;

/** Transactions of a target that are remembered to try it with. */
const MAX_CANDIDATES = 16;

/** They are woken when the target answers; this pause, in seconds, is for those that a dead process held back. */
const HELD_SECONDS = 60;
const JITTER = 0.1;

/** Who calls. */
export interface Caller {
  /** Its transaction. */
  readonly gid: string;
  /** It calls for the first time, on behalf of an initiator. */
  readonly isNew: boolean;
}

interface Trouble {
  /** Calls in a row that nobody answered. */
  failures: number;
  isOpen: boolean;
  /** A call may try whether somebody answers again. */
  mayTry: boolean;
  /** The transaction that was woken for it; new ones may as well. */
  chosen: string | undefined;
  /** Transactions wait for an answer. */
  hasWaiting: boolean;
  isWaking: boolean;
  /** Some of them; the last one is tried next. */
  readonly candidates: string[];
  /** Of the timer that ends the pause until the next try, while it runs. */
  cancelTimer: (() => void) | undefined;
}

/**
 * Leaves targets alone that do not answer: after some calls in a row without an answer further ones are held back, but
 * for one now and then. When that is answered, everything that waits for the target becomes due at once.
 */
export class Breaker {
  readonly #environment: CoordinatorEnvironment;
  readonly #waker: Waker;
  readonly #troubles = new Map<string, Trouble>();
  /** Targets for which passes wait that are under way, and whether with a call of a new transaction. */
  readonly #passes = new Map<string, Map<string, boolean>>();
  #isStopped = false;

  /**
   * Makes a breaker.
   *
   * @param environment - clock, settings, logger, randomness
   * @param waker - wakes what waits
   */
  constructor(environment: CoordinatorEnvironment, waker: Waker) {
    this.#environment = environment;
    this.#waker = waker;
  }

  /**
   * Makes a call unless its target is being left alone. One that tries whether it answers again, and is not answered
   * either, counts as held back: the transaction was called out of its turn.
   *
   * @param target - see `targetOf`
   * @param caller - who calls
   * @param send - the call
   */
  async call(target: string, caller: Caller, send: () => Promise<Outcome>): Promise<Outcome | Held> {
    const held = this.hold(target, caller);
    if (held) return held;
    const isProbe = this.isOpen(target);
    if (isProbe) this.#beginProbe(target);
    const outcome = await send();
    const isAnswered = outcome.kind !== 'unknown' || !outcome.unreachable;
    if (this.#isStopped) return outcome;
    if (isAnswered) this.#answered(target, isProbe);
    else this.#failed(target, caller.gid, isProbe);
    return isProbe && !isAnswered && this.isOpen(target) ? this.#held(target, { ...caller, isNew: false }) : outcome;
  }

  /**
   * Holds a call back when its target is being left alone.
   *
   * @param target - see `targetOf`
   * @param caller - who would call
   * @returns undefined when it may call
   */
  hold(target: string, caller: Caller): Held | undefined {
    const trouble = this.#troubles.get(target);
    if (!trouble?.isOpen) return undefined;
    const isChosen = caller.isNew || (trouble.chosen ?? caller.gid) === caller.gid;
    return trouble.mayTry && isChosen ? undefined : this.#held(target, caller);
  }

  /**
   * Whether a target is being left alone.
   *
   * @param target - see `targetOf`
   */
  isOpen(target: string): boolean {
    return this.#troubles.get(target)?.isOpen ?? false;
  }

  /**
   * To be told when a pass is stored: one that waits for a target which has answered meanwhile is due now.
   *
   * @param gid - its transaction
   * @param isOnlyHeld - it waits for nothing else, so that it can be tried out of its turn
   */
  passEnded(gid: string, isOnlyHeld: boolean): void {
    const targets = this.#passes.get(gid);
    if (!targets) return;
    this.#passes.delete(gid);
    for (const [target, isNew] of targets) {
      const trouble = this.#troubles.get(target);
      if (!trouble?.isOpen) return void this.#wakeOne(gid);
      if (!isOnlyHeld) continue;
      this.#addCandidate(trouble, gid, isNew);
      // there was nobody to be tried
      if (!trouble.cancelTimer) this.#tryLater(target, trouble, this.#environment.settings.breakerProbeSeconds);
    }
  }

  /**
   * Calls targets again that did not answer.
   *
   * @param target - beginning of URLs
   */
  reset(target: string): void {
    for (const [known, trouble] of this.#troubles) if (isSameTarget(known, target)) this.#close(known, trouble);
  }

  /** Tries no more. */
  stop(): void {
    this.#isStopped = true;
    for (const target of this.#troubles.keys()) this.#forget(target);
    this.#passes.clear();
  }

  #answered(target: string, isProbe: boolean): void {
    const trouble = this.#troubles.get(target);
    // a call from before says nothing about now
    if (!trouble || (trouble.isOpen && !isProbe)) return;
    if (trouble.isOpen) this.#environment.logger.info('target answers again', { target });
    this.#close(target, trouble);
    if (trouble.hasWaiting) void this.#wakeAll(target, trouble);
  }

  #failed(target: string, gid: string, isProbe: boolean): void {
    const { settings, logger } = this.#environment;
    const trouble = this.#touch(target);
    trouble.failures++;
    if (!isProbe) this.#addCandidate(trouble, gid, false);
    const opens = !trouble.isOpen && trouble.failures >= settings.breakerFailures;
    if (opens) {
      logger.warn('target does not answer, it is left alone until it does', { target });
      Object.assign(trouble, { isOpen: true, mayTry: false, hasWaiting: true });
    }
    if (trouble.isOpen) this.#waitsFor(target, gid, false);
    if (opens || (trouble.isOpen && isProbe)) this.#tryLater(target, trouble, settings.breakerProbeSeconds);
  }

  /** The trouble of a target, behind those that were called longer ago. */
  #touch(target: string): Trouble {
    const trouble = this.#troubles.get(target) ?? {
      failures: 0,
      isOpen: false,
      mayTry: false,
      chosen: undefined,
      hasWaiting: false,
      isWaking: false,
      candidates: [],
      cancelTimer: undefined,
    };
    this.#troubles.delete(target);
    if (this.#troubles.size >= MAX_TARGETS) this.#forget(this.#troubles.keys().next().value!);
    this.#troubles.set(target, trouble);
    return trouble;
  }

  #held(target: string, { gid, isNew }: Caller): Held {
    this.#waitsFor(target, gid, isNew);
    const { clock, settings, random } = this.#environment;
    const seconds = Math.min(HELD_SECONDS, settings.maxRetryIntervalSeconds) * (1 + JITTER * random());
    return { kind: 'held', until: clock.now() + Math.round(seconds * 1000) };
  }

  #waitsFor(target: string, gid: string, isNew: boolean): void {
    const targets = this.#passes.get(gid) ?? new Map<string, boolean>();
    this.#passes.set(gid, targets.set(target, isNew));
  }

  /**
   * A new transaction is tried next, others in turn: where only some of the services behind a proxy are gone, those that
   * answer are found soon.
   */
  #addCandidate({ candidates }: Trouble, gid: string, isNew: boolean): void {
    const index = candidates.indexOf(gid);
    if (index >= 0) candidates.splice(index, 1);
    if (isNew) candidates.push(gid);
    else candidates.unshift(gid);
    if (candidates.length <= MAX_CANDIDATES) return;
    candidates.splice(Math.floor((this.#environment.random() * candidates.length) / 2), 1);
  }

  #beginProbe(target: string): void {
    const { requestTimeoutSeconds, breakerProbeSeconds } = this.#environment.settings;
    const trouble = this.#troubles.get(target)!;
    trouble.mayTry = false;
    // a call that may take very long must not be the only one for so long
    this.#tryLater(target, trouble, requestTimeoutSeconds + breakerProbeSeconds);
  }

  #tryLater(target: string, trouble: Trouble, seconds: number): void {
    trouble.cancelTimer?.();
    trouble.cancelTimer = this.#environment.clock.after(seconds * 1000, () => {
      trouble.cancelTimer = undefined;
      trouble.mayTry = true;
      void this.#wakeCandidate(target, trouble);
    });
  }

  /** One that is finished, or under way, will not call: the next one is taken then. */
  async #wakeCandidate(target: string, trouble: Trouble): Promise<void> {
    do {
      trouble.chosen = trouble.candidates.pop();
    } while (trouble.chosen !== undefined && !(await this.#wakeOne(trouble.chosen)) && trouble.mayTry);
    // what was woken may have no reason to call any more
    if (trouble.mayTry && trouble.isOpen && trouble.chosen !== undefined) {
      this.#tryLater(target, trouble, this.#environment.settings.breakerProbeSeconds);
    }
  }

  #close(target: string, trouble: Trouble): void {
    trouble.cancelTimer?.();
    trouble.cancelTimer = undefined;
    trouble.candidates.length = 0;
    Object.assign(trouble, { failures: 0, isOpen: false, mayTry: false });
    if (!trouble.hasWaiting) this.#troubles.delete(target);
  }

  #forget(target: string): void {
    const trouble = this.#troubles.get(target);
    this.#troubles.delete(target);
    if (trouble) this.#close(target, trouble);
  }

  /** When the store cannot, the next answer of the target tries it again. */
  async #wakeAll(target: string, trouble: Trouble): Promise<void> {
    if (trouble.isWaking) return;
    trouble.isWaking = true;
    try {
      await this.#waker.wake({ target }, Infinity, () => !trouble.isOpen && !this.#isStopped);
      if (trouble.isOpen) return;
      trouble.hasWaiting = false;
      if (trouble.failures === 0 && this.#troubles.get(target) === trouble) this.#troubles.delete(target);
    } catch (error) {
      this.#report(error, { target });
    } finally {
      trouble.isWaking = false;
    }
  }

  async #wakeOne(gid: string): Promise<boolean> {
    try {
      return (await this.#waker.wake({ gid }, 1)).count > 0;
    } catch (error) {
      this.#report(error, { gid });
      return true;
    }
  }

  /** They are due when their pauses are over all the same. */
  #report(error: unknown, fields: Readonly<Record<string, string>>): void {
    this.#environment.logger.error('transactions could not be made due', { ...fields, error: String(error) });
  }
}
