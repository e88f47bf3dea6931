import type { Outcome } from '../../../protocol/internal.js';
import type { Deferred } from '../../engine/pass.js';
import type { CoordinatorEnvironment } from '../../environment/coordinator-environment.js';
import type { Waker } from '../waker.js';
import { isSameTarget } from './target.js';

/** Most targets that are remembered for not answering; beyond it the one that was called longest ago is forgotten. */
const MAX_TARGETS = 10_000;

/** Transactions of a target that are remembered to try it with. */
const MAX_CANDIDATES = 16;

/** They are woken when the target answers; this pause, in seconds, is for those that a dead process held back. */
const DEFERRED_SECONDS = 60;
const JITTER = 0.1;

/** Who calls. */
export interface Caller {
  /** Its transaction. */
  readonly gid: string;
  /** It calls for the first time, on behalf of an initiator. */
  readonly isNew: boolean;
}

interface TargetHealth {
  /** Calls in a row that nobody answered. */
  failures: number;
  isOpen: boolean;
  /** A call may try whether somebody answers again. */
  mayProbe: boolean;
  /** The transaction that was woken for it; new ones may as well. */
  probeGid: string | undefined;
  /** Transactions wait for an answer. */
  hasDeferred: boolean;
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
export class CircuitBreaker {
  readonly #environment: CoordinatorEnvironment;
  readonly #waker: Waker;
  readonly #health = new Map<string, TargetHealth>();
  /** Targets for which passes wait that are under way, and whether with a call of a new transaction. */
  readonly #deferredTargets = new Map<string, Map<string, boolean>>();
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
  async call(target: string, caller: Caller, send: () => Promise<Outcome>): Promise<Outcome | Deferred> {
    const held = this.deferIfOpen(target, caller);
    if (held) return held;
    const isProbe = this.isOpen(target);
    if (isProbe) this.#beginProbe(target);
    const outcome = await send();
    const isAnswered = outcome.kind !== 'unknown' || !outcome.unreachable;
    if (this.#isStopped) return outcome;
    if (isAnswered) this.#recordAnswer(target, isProbe);
    else this.#recordFailure(target, caller.gid, isProbe);
    return isProbe && !isAnswered && this.isOpen(target) ? this.#defer(target, { ...caller, isNew: false }) : outcome;
  }

  /**
   * Holds a call back when its target is being left alone.
   *
   * @param target - see `targetOf`
   * @param caller - who would call
   * @returns undefined when it may call
   */
  deferIfOpen(target: string, caller: Caller): Deferred | undefined {
    const trouble = this.#health.get(target);
    if (!trouble?.isOpen) return undefined;
    const isChosen = caller.isNew || (trouble.probeGid ?? caller.gid) === caller.gid;
    return trouble.mayProbe && isChosen ? undefined : this.#defer(target, caller);
  }

  /**
   * Whether a target is being left alone.
   *
   * @param target - see `targetOf`
   */
  isOpen(target: string): boolean {
    return this.#health.get(target)?.isOpen ?? false;
  }

  /**
   * To be told when a pass is stored: one that waits for a target which has answered meanwhile is due now.
   *
   * @param gid - its transaction
   * @param isOnlyDeferred - it waits for nothing else, so that it can be tried out of its turn
   */
  passEnded(gid: string, isOnlyDeferred: boolean): void {
    const targets = this.#deferredTargets.get(gid);
    if (!targets) return;
    this.#deferredTargets.delete(gid);
    for (const [target, isNew] of targets) {
      const trouble = this.#health.get(target);
      if (!trouble?.isOpen) return void this.#wakeOne(gid);
      if (!isOnlyDeferred) continue;
      this.#addCandidate(trouble, gid, isNew);
      // there was nobody to be tried
      if (!trouble.cancelTimer) this.#scheduleProbe(target, trouble, this.#environment.settings.breakerProbeSeconds);
    }
  }

  /**
   * Calls targets again that did not answer.
   *
   * @param target - beginning of URLs
   */
  reset(target: string): void {
    for (const [known, trouble] of this.#health) if (isSameTarget(known, target)) this.#close(known, trouble);
  }

  /** Tries no more. */
  stop(): void {
    this.#isStopped = true;
    for (const target of this.#health.keys()) this.#forget(target);
    this.#deferredTargets.clear();
  }

  #recordAnswer(target: string, isProbe: boolean): void {
    const trouble = this.#health.get(target);
    // a call from before says nothing about now
    if (!trouble || (trouble.isOpen && !isProbe)) return;
    if (trouble.isOpen) this.#environment.logger.info('target answers again', { target });
    this.#close(target, trouble);
    if (trouble.hasDeferred) void this.#wakeAll(target, trouble);
  }

  #recordFailure(target: string, gid: string, isProbe: boolean): void {
    const { settings, logger } = this.#environment;
    const trouble = this.#touch(target);
    trouble.failures++;
    if (!isProbe) this.#addCandidate(trouble, gid, false);
    const opens = !trouble.isOpen && trouble.failures >= settings.breakerFailures;
    if (opens) {
      logger.warn('target does not answer, it is left alone until it does', { target });
      trouble.isOpen = true;
      trouble.mayProbe = false;
      trouble.hasDeferred = true;
    }
    if (trouble.isOpen) this.#addDeferredTarget(target, gid, false);
    if (opens || (trouble.isOpen && isProbe)) this.#scheduleProbe(target, trouble, settings.breakerProbeSeconds);
  }

  /** The trouble of a target, behind those that were called longer ago. */
  #touch(target: string): TargetHealth {
    const trouble = this.#health.get(target) ?? {
      failures: 0,
      isOpen: false,
      mayProbe: false,
      probeGid: undefined,
      hasDeferred: false,
      isWaking: false,
      candidates: [],
      cancelTimer: undefined,
    };
    this.#health.delete(target);
    if (this.#health.size >= MAX_TARGETS) this.#forget(this.#health.keys().next().value!);
    this.#health.set(target, trouble);
    return trouble;
  }

  #defer(target: string, { gid, isNew }: Caller): Deferred {
    this.#addDeferredTarget(target, gid, isNew);
    const { clock, settings, random } = this.#environment;
    const seconds = Math.min(DEFERRED_SECONDS, settings.maxRetryIntervalSeconds) * (1 + JITTER * random());
    return { kind: 'deferred', until: clock.now() + Math.round(seconds * 1000) };
  }

  #addDeferredTarget(target: string, gid: string, isNew: boolean): void {
    const targets = this.#deferredTargets.get(gid) ?? new Map<string, boolean>();
    this.#deferredTargets.set(gid, targets.set(target, isNew));
  }

  /**
   * A new transaction is tried next, others in turn: where only some of the services behind a proxy are gone, those that
   * answer are found soon.
   */
  #addCandidate({ candidates }: TargetHealth, gid: string, isNew: boolean): void {
    const index = candidates.indexOf(gid);
    if (index >= 0) candidates.splice(index, 1);
    if (isNew) candidates.push(gid);
    else candidates.unshift(gid);
    if (candidates.length <= MAX_CANDIDATES) return;
    candidates.splice(Math.floor((this.#environment.random() * candidates.length) / 2), 1);
  }

  #beginProbe(target: string): void {
    const { requestTimeoutSeconds, breakerProbeSeconds } = this.#environment.settings;
    const trouble = this.#health.get(target)!;
    trouble.mayProbe = false;
    // a call that may take very long must not be the only one for so long
    this.#scheduleProbe(target, trouble, requestTimeoutSeconds + breakerProbeSeconds);
  }

  #scheduleProbe(target: string, trouble: TargetHealth, seconds: number): void {
    trouble.cancelTimer?.();
    trouble.cancelTimer = this.#environment.clock.after(seconds * 1000, () => {
      trouble.cancelTimer = undefined;
      trouble.mayProbe = true;
      void this.#wakeProbe(target, trouble);
    });
  }

  /** One that is finished, or under way, will not call: the next one is taken then. */
  async #wakeProbe(target: string, trouble: TargetHealth): Promise<void> {
    do {
      trouble.probeGid = trouble.candidates.pop();
    } while (trouble.probeGid !== undefined && !(await this.#wakeOne(trouble.probeGid)) && trouble.mayProbe);
    // what was woken may have no reason to call any more
    if (trouble.mayProbe && trouble.isOpen && trouble.probeGid !== undefined) {
      this.#scheduleProbe(target, trouble, this.#environment.settings.breakerProbeSeconds);
    }
  }

  #close(target: string, trouble: TargetHealth): void {
    trouble.cancelTimer?.();
    trouble.cancelTimer = undefined;
    trouble.candidates.length = 0;
    trouble.failures = 0;
    trouble.isOpen = false;
    trouble.mayProbe = false;
    if (!trouble.hasDeferred) this.#health.delete(target);
  }

  #forget(target: string): void {
    const trouble = this.#health.get(target);
    this.#health.delete(target);
    if (trouble) this.#close(target, trouble);
  }

  /** When the store cannot, the next answer of the target tries it again. */
  async #wakeAll(target: string, trouble: TargetHealth): Promise<void> {
    if (trouble.isWaking) return;
    trouble.isWaking = true;
    try {
      await this.#waker.wake({ target }, Infinity, () => !trouble.isOpen && !this.#isStopped);
      if (trouble.isOpen) return;
      trouble.hasDeferred = false;
      if (trouble.failures === 0 && this.#health.get(target) === trouble) this.#health.delete(target);
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
