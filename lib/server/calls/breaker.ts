import type { Outcome } from '../../protocol/index.js';
import type { Held } from '../engine/pass.js';
import type { WakeFilter } from '../store/store.js';
import type { Surroundings } from '../surroundings.js';
import { isSameTarget } from './target.js';

/** Most targets that are remembered for not answering; beyond it the one that was called longest ago is forgotten. */
const MAX_TARGETS = 10_000;

/** Transactions of a target that are remembered to try it with. */
const MAX_CANDIDATES = 16;

/** Transactions that are woken at a time, so that nothing else waits for long. */
const WAKE_BATCH = 500;

/** They are woken when the target answers; this pause, in seconds, is for those that a dead process held back. */
const HELD_SECONDS = 60;
const JITTER = 0.1;

interface Trouble {
  /** Calls in a row that nobody answered. */
  failures: number;
  isOpen: boolean;
  /** The next call may try whether somebody answers again. */
  mayTry: boolean;
  /** Transactions wait for an answer. */
  hasWaiting: boolean;
  isWaking: boolean;
  /** Some of them; the last one is tried next. */
  readonly candidates: string[];
  cancelTimer: () => void;
}

/**
 * Leaves targets alone that do not answer: after some calls in a row without an answer further ones are held back, but
 * for one now and then. When that is answered, everything that waits for the target becomes due at once.
 */
export class Breaker {
  readonly #surroundings: Surroundings;
  readonly #onDue: () => void;
  readonly #troubles = new Map<string, Trouble>();
  /** Passes under way that wait for an answer of these targets. */
  readonly #passes = new Map<string, Set<string>>();
  #isStopped = false;

  /**
   * Makes a breaker.
   *
   * @param surroundings - store, clock, settings, logger
   * @param onDue - called when transactions have become due
   */
  constructor(surroundings: Surroundings, onDue: () => void) {
    this.#surroundings = surroundings;
    this.#onDue = onDue;
  }

  /**
   * Makes a call unless its target is being left alone. One that tries whether it answers again, and is not answered
   * either, counts as held back: the transaction was called out of its turn.
   *
   * @param target - see `targetOf`
   * @param gid - transaction that calls
   * @param send - the call
   */
  async call(target: string, gid: string, send: () => Promise<Outcome>): Promise<Outcome | Held> {
    const held = this.hold(target, gid);
    if (held) return held;
    const isProbe = this.isOpen(target);
    if (isProbe) this.#beginProbe(target);
    const outcome = await send();
    const isAnswered = outcome.kind !== 'unknown' || !outcome.unreachable;
    if (this.#isStopped) return outcome;
    if (isAnswered) this.#answered(target, isProbe);
    else this.#failed(target, gid, isProbe);
    return isProbe && !isAnswered ? this.#held() : outcome;
  }

  /**
   * Holds a call back when its target is being left alone.
   *
   * @param target - see `targetOf`
   * @param gid - transaction that would call
   * @returns undefined when it may call
   */
  hold(target: string, gid: string): Held | undefined {
    const trouble = this.#troubles.get(target);
    if (!trouble?.isOpen || trouble.mayTry) return undefined;
    addCandidate(trouble, gid, 'next');
    this.#waitsFor(target, gid);
    return this.#held();
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
   */
  passEnded(gid: string): void {
    const targets = this.#passes.get(gid);
    if (!targets) return;
    this.#passes.delete(gid);
    if ([...targets].some((target) => !this.isOpen(target))) void this.#wakeOne(gid);
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
    if (trouble.isOpen) this.#surroundings.logger.info('target answers again', { target });
    this.#close(target, trouble);
    if (trouble.hasWaiting) void this.#wakeAll(target, trouble);
  }

  #failed(target: string, gid: string, isProbe: boolean): void {
    const { settings, logger } = this.#surroundings;
    const trouble = this.#touch(target);
    trouble.failures++;
    addCandidate(trouble, gid, 'last');
    const isNew = !trouble.isOpen && trouble.failures >= settings.breakerFailures;
    if (isNew) {
      logger.warn('target does not answer, it is left alone until it does', { target });
      Object.assign(trouble, { isOpen: true, mayTry: false, hasWaiting: true });
    }
    if (trouble.isOpen) this.#waitsFor(target, gid);
    if (isNew || (trouble.isOpen && isProbe)) this.#tryLater(target, trouble, settings.breakerProbeSeconds);
  }

  /** The trouble of a target, behind those that were called longer ago. */
  #touch(target: string): Trouble {
    const trouble = this.#troubles.get(target) ?? {
      failures: 0,
      isOpen: false,
      mayTry: false,
      hasWaiting: false,
      isWaking: false,
      candidates: [],
      cancelTimer: () => {},
    };
    this.#troubles.delete(target);
    if (this.#troubles.size >= MAX_TARGETS) this.#forget(this.#troubles.keys().next().value!);
    this.#troubles.set(target, trouble);
    return trouble;
  }

  #waitsFor(target: string, gid: string): void {
    const targets = this.#passes.get(gid) ?? new Set();
    this.#passes.set(gid, targets.add(target));
  }

  #held(): Held {
    const { clock, settings, random } = this.#surroundings;
    const seconds = Math.min(HELD_SECONDS, settings.maxRetryIntervalSeconds) * (1 + JITTER * random());
    return { kind: 'held', until: clock.now() + Math.round(seconds * 1000) };
  }

  #beginProbe(target: string): void {
    const { requestTimeoutSeconds, breakerProbeSeconds } = this.#surroundings.settings;
    const trouble = this.#troubles.get(target)!;
    trouble.mayTry = false;
    // a call that may take very long must not be the only one for so long
    this.#tryLater(target, trouble, requestTimeoutSeconds + breakerProbeSeconds);
  }

  #tryLater(target: string, trouble: Trouble, seconds: number): void {
    trouble.cancelTimer();
    trouble.cancelTimer = this.#surroundings.clock.after(seconds * 1000, () => {
      trouble.mayTry = true;
      void this.#wakeCandidate(target, trouble);
    });
  }

  /** One that is finished, or under way, will not call: the next one is taken then. */
  async #wakeCandidate(target: string, trouble: Trouble): Promise<void> {
    let isWoken = false;
    while (!isWoken && trouble.mayTry && trouble.isOpen && trouble.candidates.length > 0) {
      isWoken = await this.#wakeOne(trouble.candidates.pop()!);
    }
    // what was woken may have no reason to call any more
    if (trouble.mayTry && trouble.isOpen && isWoken) {
      this.#tryLater(target, trouble, this.#surroundings.settings.breakerProbeSeconds);
    }
  }

  #close(target: string, trouble: Trouble): void {
    trouble.cancelTimer();
    trouble.failures = 0;
    trouble.isOpen = false;
    if (!trouble.hasWaiting) this.#troubles.delete(target);
  }

  #forget(target: string): void {
    this.#troubles.get(target)?.cancelTimer();
    this.#troubles.delete(target);
  }

  /** When the store cannot, the next answer of the target tries it again. */
  async #wakeAll(target: string, trouble: Trouble): Promise<void> {
    if (trouble.isWaking) return;
    trouble.isWaking = true;
    try {
      let count = WAKE_BATCH;
      while (count === WAKE_BATCH && !trouble.isOpen && !this.#isStopped) {
        count = await this.#wake({ target, limit: WAKE_BATCH });
      }
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
      return (await this.#wake({ gid, limit: 1 })) > 0;
    } catch (error) {
      this.#report(error, { gid });
      return true;
    }
  }

  async #wake(filter: Omit<WakeFilter, 'laterThan'>): Promise<number> {
    const { store, clock } = this.#surroundings;
    const now = clock.now();
    const count = await store.wake(now, { ...filter, laterThan: now });
    if (count > 0) this.#onDue();
    return count;
  }

  /** They are due when their pauses are over all the same. */
  #report(error: unknown, fields: Readonly<Record<string, string>>): void {
    this.#surroundings.logger.error('transactions could not be made due', { ...fields, error: String(error) });
  }
}

/**
 * What was held back is tried next, the latest before others, and what was not answered last: where only some of a
 * host's services are gone, those that answer are found soon.
 */
function addCandidate({ candidates }: Trouble, gid: string, place: 'next' | 'last'): void {
  const index = candidates.indexOf(gid);
  if (index >= 0) candidates.splice(index, 1);
  if (place === 'next') candidates.push(gid);
  else candidates.unshift(gid);
  if (candidates.length > MAX_CANDIDATES) candidates.shift();
}
