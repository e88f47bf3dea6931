import { AlertWebhook } from './execution/calls/alert-webhook.js';
import { BranchCalls } from './execution/calls/branch-calls.js';
import { CircuitBreaker } from './execution/calls/circuit-breaker.js';
import { redactingLogger } from './environment/redacting-logger.js';
import type { Operations } from './api/operations.js';
import { Coordinator } from './operations/coordinator.js';
import { Leases } from './execution/leases.js';
import { Metrics } from './environment/metrics.js';
import { Operator } from './operations/operator.js';
import { Recovery } from './execution/recovery.js';
import { Retention } from './execution/retention.js';
import { Runner } from './execution/runner.js';
import type { CoordinatorEnvironment } from './environment/coordinator-environment.js';
import { Topics } from './operations/topics.js';
import { Waker } from './execution/waker.js';

/** A coordinator, put together; it acts on unfinished transactions from {@link RunningCoordinator.start} on. */
export interface RunningCoordinator extends Operations {
  /** Looks for due transactions from now on, and deletes old ones. */
  start(): void;
  /** Calls nothing any more from this very moment; waits until what is under way is stored. May be called again. */
  stop(): Promise<void>;
}

/**
 * Puts a coordinator together.
 *
 * @param given - what it works with
 * @param alertWebhook - where branches are reported that give no decision again and again. @default nowhere
 * @throws DtmConfigError when the webhook is not an http or https URL
 */
export function createCoordinator(given: CoordinatorEnvironment, alertWebhook?: string): RunningCoordinator {
  const logger = redactingLogger(given.logger);
  const environment = { ...given, logger };
  const { settings, store, clock, transport } = environment;
  const leases = new Leases(environment.owner);
  const metrics = new Metrics();
  const alerts = alertWebhook ? new AlertWebhook(alertWebhook, settings, logger) : undefined;
  const waker = new Waker(environment, () => recovery.pollNow());
  const breaker = new CircuitBreaker(environment, waker);
  const calls = new BranchCalls(environment, { circuitBreaker: breaker, metrics, alertWebhook: alerts });
  const runner = new Runner(environment, calls, metrics);
  const recovery: Recovery = new Recovery(environment, leases, runner);
  const retention = new Retention(environment);
  const topics = new Topics(store, clock, transport);
  return {
    coordinator: new Coordinator(environment, leases, runner, topics),
    operator: new Operator(environment, breaker, waker),
    topics,
    metrics,
    start() {
      recovery.start();
      retention.start();
    },
    async stop() {
      await Promise.all([runner.stop(), recovery.stop(), retention.stop()]);
      await alerts?.close();
    },
  };
}
