import type { Outcome } from '../../../protocol/internal.js';
import type { Deferred } from '../../engine/pass.js';
import type { CoordinatorEnvironment } from '../../environment/coordinator-environment.js';
import type { Waker } from '../waker.js';
import { isSameTarget, type Target } from './target.js';
import { TargetHealth } from './target-health.js';

/**
 * Maximum number of targets whose failures are remembered; then the target whose last failure is oldest is forgotten.
 */
const MAX_TARGETS = 10_000;

/** Deferred transactions are woken when the target answers. This pause is for those that a dead process had deferred. */
const DEFERRED_SECONDS = 60;
const JITTER = 0.1;

/** The running calls of an origin. */
interface OriginCalls {
  running: number;
  /** Number of answers since the oldest of them began. */
  answers: number;
}

/** The transaction that makes the call. */
export interface Caller {
  /** Transaction of the call. */
  readonly gid: string;
  /** The pass was started for an initiator, not by recovery. */
  readonly isNew: boolean;
}

/**
 * A circuit breaker for each origin and for each path. After some calls in a row without an answer the circuit opens: further
 * calls are deferred, except for one probe every `breakerProbeSeconds`. When the target answers a probe, every transaction
 * that waits for the target becomes due at once.
 *
 * A server that cannot be reached concerns its origin. A call that hangs concerns its path, and the origin only when as many
 * other paths hang and nothing of the origin has answered since these calls began. The repeated calls of one transaction do not open the circuit of a path: they have their own pauses.
 */
export class CircuitBreaker {
  readonly #environment: CoordinatorEnvironment;
  readonly #waker: Waker;
  /** Origins and paths that have failed, in the order of their last failure. */
  readonly #health = new Map<string, TargetHealth>();
  /** Origins with running calls. */
  readonly #calls = new Map<string, OriginCalls>();
  /** Targets for which running passes wait, by gid, each with {@link Caller.isNew}. */
  readonly #deferredTargets = new Map<string, Map<string, boolean>>();
  #isStopped = false;

  constructor(environment: CoordinatorEnvironment, waker: Waker) {
    this.#environment = environment;
    this.#waker = waker;
  }

  /**
   * Makes a call unless the circuit of its target is open. A probe without an answer is also deferred: the coordinator
   * called early, so the call does not count for the transaction.
   *
   * @param target - where the call leads
   * @param caller - the transaction that makes the call
   * @param send - makes the call
   */
  async call(target: Target, caller: Caller, send: () => Promise<Outcome>): Promise<Outcome | Deferred> {
    const deferred = this.deferIfOpen(target, caller);
    if (deferred) return deferred;
    const probed = circuitsOf(target).filter((circuit) => this.#isOpen(circuit));
    for (const circuit of probed) this.#beginProbe(circuit);
    const calls = this.#beginCall(target.origin);
    const { answers } = calls;
    const outcome = await send().finally(() => this.#endCall(target.origin, calls));
    if (this.#isStopped) return outcome;
    if (outcome.kind !== 'unknown' || !outcome.unreachable) {
      calls.answers++;
      for (const circuit of circuitsOf(target)) this.#recordAnswer(circuit, probed.includes(circuit));
      return outcome;
    }
    const refusal = outcome.definite ? outcome.message : undefined;
    const failed =
      outcome.connected && target.path !== target.origin
        ? this.#failPath(target, caller.gid, calls.answers > answers)
        : [target.origin];
    for (const circuit of new Set([...failed, ...probed])) {
      this.#recordFailure(circuit, caller.gid, probed.includes(circuit), refusal);
    }
    const open = probed.find((circuit) => this.#isOpen(circuit));
    return open === undefined ? outcome : this.#defer(open, { ...caller, isNew: false });
  }

  /**
   * Defers a call when a circuit of its target is open and the call is no probe.
   *
   * @param target - where the call leads
   * @param caller - the transaction that makes the call
   * @returns undefined when the call may be made
   */
  deferIfOpen(target: Target, caller: Caller): Deferred | undefined {
    for (const circuit of circuitsOf(target)) {
      const health = this.#health.get(circuit);
      if (!health?.isOpen) continue;
      const isCandidate = caller.isNew || (health.probeGid ?? caller.gid) === caller.gid;
      if (!health.mayProbe || !isCandidate) return this.#defer(circuit, caller);
    }
    return undefined;
  }

  /** Whether every target answers, so that no call is deferred. */
  get isQuiet(): boolean {
    return this.#health.size === 0;
  }

  /** Whether calls of a target are deferred. */
  isOpen(target: Target): boolean {
    return circuitsOf(target).some((circuit) => this.#isOpen(circuit));
  }

  #isOpen(circuit: string): boolean {
    return this.#health.get(circuit)?.isOpen ?? false;
  }

  #beginCall(origin: string): OriginCalls {
    const calls = this.#calls.get(origin) ?? { running: 0, answers: 0 };
    calls.running++;
    this.#calls.set(origin, calls);
    return calls;
  }

  #endCall(origin: string, calls: OriginCalls): void {
    calls.running--;
    if (calls.running === 0) this.#calls.delete(origin);
  }

  /**
   * The circuits that fail when a call hangs: that of the path, and that of the origin when the path has not hung before and
   * nothing has answered meanwhile.
   */
  #failPath({ origin, path }: Target, gid: string, hasAnswered: boolean): readonly string[] {
    const health = this.#health.get(path);
    if (!health || health.failures === 0) return hasAnswered ? [path] : [path, origin];
    return health.hasCandidate(gid) ? [] : [path];
  }

  /**
   * Must be called when the end of a pass is stored. A transaction whose target has answered meanwhile becomes due.
   *
   * @param gid - transaction of the pass
   * @param isOnlyDeferred - the pass waits for nothing else, so that the transaction can be woken for a probe
   */
  passEnded(gid: string, isOnlyDeferred: boolean): void {
    const targets = this.#deferredTargets.get(gid);
    if (!targets) return;
    this.#deferredTargets.delete(gid);
    const { random, settings } = this.#environment;
    for (const [target, isNew] of targets) {
      const health = this.#health.get(target);
      if (!health?.isOpen) return void this.#wakeOne(gid);
      if (!isOnlyDeferred) continue;
      health.addCandidate(gid, isNew, random);
      // without a candidate no probe was scheduled
      if (!health.isProbeScheduled) this.#scheduleProbe(target, health, settings.breakerProbeSeconds);
    }
  }

  /**
   * Closes the circuits of targets, so that they are called again.
   *
   * @param target - beginning of URLs
   */
  reset(target: string): void {
    for (const [known, health] of this.#health) if (isSameTarget(known, target)) this.#close(known, health);
  }

  /** Stops probing. */
  stop(): void {
    this.#isStopped = true;
    for (const target of this.#health.keys()) this.#forget(target);
    this.#deferredTargets.clear();
  }

  #recordAnswer(target: string, isProbe: boolean): void {
    const health = this.#health.get(target);
    // the answer to a call from before the circuit opened is outdated
    if (!health || (health.isOpen && !isProbe)) return;
    if (health.isOpen) this.#environment.logger.info('circuit breaker closed: the target answers again', { target });
    this.#close(target, health);
    if (health.hasDeferred) void this.#wakeAll(target, health);
  }

  #recordFailure(target: string, gid: string, isProbe: boolean, refusal: string | undefined): void {
    const { settings, logger, random } = this.#environment;
    const health = this.#touch(target);
    health.failures++;
    health.refusal = refusal;
    if (!isProbe) health.addCandidate(gid, false, random);
    const opens = !health.isOpen && health.failures >= settings.breakerFailures;
    if (opens) {
      logger.warn('circuit breaker opened: the target does not answer', { target });
      health.open();
    }
    if (health.isOpen) this.#addDeferredTarget(target, gid, false);
    if (opens || (health.isOpen && isProbe)) this.#scheduleProbe(target, health, settings.breakerProbeSeconds);
  }

  /** The health of a target, moved to the end of the order. */
  #touch(target: string): TargetHealth {
    const health = this.#health.get(target) ?? new TargetHealth();
    this.#health.delete(target);
    if (this.#health.size >= MAX_TARGETS) this.#forget(this.#health.keys().next().value!);
    // a part of a string would keep the whole URL in memory
    this.#health.set(Buffer.from(target).toString(), health);
    return health;
  }

  #defer(target: string, { gid, isNew }: Caller): Deferred {
    this.#addDeferredTarget(target, gid, isNew);
    const { clock, settings, random } = this.#environment;
    const seconds = Math.min(DEFERRED_SECONDS, settings.maxRetryIntervalSeconds) * (1 + JITTER * random());
    const { refusal } = this.#health.get(target)!;
    return { kind: 'deferred', until: clock.now() + Math.round(seconds * 1000), refusal };
  }

  #addDeferredTarget(target: string, gid: string, isNew: boolean): void {
    const targets = this.#deferredTargets.get(gid) ?? new Map<string, boolean>();
    this.#deferredTargets.set(gid, targets.set(target, isNew));
  }

  #beginProbe(target: string): void {
    const { requestTimeoutSeconds, breakerProbeSeconds } = this.#environment.settings;
    const health = this.#health.get(target)!;
    health.mayProbe = false;
    // the transaction may allow its calls a longer time-out; the next probe does not wait for that
    this.#scheduleProbe(target, health, requestTimeoutSeconds + breakerProbeSeconds);
  }

  #scheduleProbe(target: string, health: TargetHealth, seconds: number): void {
    health.scheduleProbe(this.#environment.clock, seconds, () => void this.#wakeProbe(target, health));
  }

  /**
   * Wakes the next candidate. Skips transactions that are finished or have a running pass, because they send no probe.
   */
  async #wakeProbe(target: string, health: TargetHealth): Promise<void> {
    do {
      health.probeGid = health.takeCandidate();
    } while (health.probeGid !== undefined && !(await this.#wakeOne(health.probeGid)) && health.mayProbe);
    // the woken transaction may have no reason to call the target any more
    if (health.mayProbe && health.isOpen && health.probeGid !== undefined) {
      this.#scheduleProbe(target, health, this.#environment.settings.breakerProbeSeconds);
    }
  }

  #close(target: string, health: TargetHealth): void {
    health.close();
    if (!health.hasDeferred) this.#health.delete(target);
  }

  #forget(target: string): void {
    const health = this.#health.get(target);
    this.#health.delete(target);
    if (health) this.#close(target, health);
  }

  /** After an error of the store, the next answer of the target wakes the rest. */
  async #wakeAll(target: string, health: TargetHealth): Promise<void> {
    if (health.isWaking) return;
    health.isWaking = true;
    try {
      await this.#waker.wake({ target }, Infinity, () => !health.isOpen && !this.#isStopped);
      if (health.isOpen) return;
      health.hasDeferred = false;
      if (health.failures === 0 && this.#health.get(target) === health) this.#health.delete(target);
    } catch (error) {
      this.#logWakeError(error, { target });
    } finally {
      health.isWaking = false;
    }
  }

  async #wakeOne(gid: string): Promise<boolean> {
    try {
      return (await this.#waker.wake({ gid }, 1)).count > 0;
    } catch (error) {
      this.#logWakeError(error, { gid });
      return true;
    }
  }

  /** The transactions become due at the end of their pauses. */
  #logWakeError(error: unknown, fields: Readonly<Record<string, string>>): void {
    this.#environment.logger.error('transactions could not be made due', { ...fields, error: String(error) });
  }
}

/** The keys of {@link CircuitBreaker}: the origin first. */
function circuitsOf({ origin, path }: Target): readonly string[] {
  return origin === path ? [origin] : [origin, path];
}
