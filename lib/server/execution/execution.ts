import type { CoordinatorEnvironment } from '../environment/coordinator-environment.js';
import { LineLimit } from '../environment/line-limit.js';
import type { Metrics } from '../environment/metrics.js';
import type { StoreHealth } from '../environment/store-health.js';
import { AlertWebhook } from './calls/alert-webhook.js';
import { BranchCalls } from './calls/branch-calls.js';
import { CircuitBreaker } from './calls/circuit-breaker.js';
import { Leases } from './leases.js';
import { Recovery } from './recovery.js';
import { Retention } from './retention.js';
import { Runner } from './runner.js';
import { Waker } from './waker.js';

/** Everything that acts on stored transactions; idle until {@link Execution.start}, except for passes that are run directly. */
export class Execution {
  readonly leases: Leases;
  readonly runner: Runner;
  readonly waker: Waker;
  readonly circuitBreaker: CircuitBreaker;
  readonly #recovery: Recovery;
  readonly #retention: Retention;
  readonly #alertWebhook: AlertWebhook | undefined;
  readonly #lineLimit: LineLimit;

  /**
   * @param metrics - counts passes and branch calls
   * @param storeHealth - told about each poll of the store
   * @param alertWebhook - URL to which repeated failures of a branch are posted. @default no alerts
   * @throws DtmConfigError when the webhook is not an http or https URL
   */
  constructor(environment: CoordinatorEnvironment, metrics: Metrics, storeHealth: StoreHealth, alertWebhook?: string) {
    const { settings, owner } = environment;
    const lineLimit = new LineLimit(environment);
    this.#lineLimit = lineLimit;
    this.#alertWebhook = alertWebhook === undefined ? undefined : new AlertWebhook(alertWebhook, settings, lineLimit);
    this.leases = new Leases(owner);
    this.waker = new Waker(environment, () => this.#recovery.pollNow());
    this.circuitBreaker = new CircuitBreaker(environment, this.waker);
    const { circuitBreaker } = this;
    const services = { circuitBreaker, metrics, lineLimit, alertWebhook: this.#alertWebhook };
    this.runner = new Runner(environment, new BranchCalls(environment, services), metrics);
    this.#recovery = new Recovery(environment, this.leases, this.runner, storeHealth, lineLimit);
    this.#retention = new Retention(environment);
  }

  /** Begins to poll for due transactions and to delete old ones. Idempotent. */
  start(): void {
    this.#recovery.start();
    this.#retention.start();
  }

  /** Stops calling branches at once and waits until running work is stored. May be called again. */
  async stop(): Promise<void> {
    await Promise.all([this.runner.stop(), this.#recovery.stop(), this.#retention.stop()]);
    await this.#alertWebhook?.close();
    this.#lineLimit.flush();
  }
}
