import { Alerts } from './calls/alerts.js';
import { BranchCalls } from './calls/branch-calls.js';
import { Breaker } from './calls/breaker.js';
import { carefulLogger } from './careful-logger.js';
import type { Operations } from './api/operations.js';
import { Coordinator } from './coordinator.js';
import { Leases } from './leases.js';
import { Metrics } from './metrics.js';
import { Operator } from './operator.js';
import { Recovery } from './recovery.js';
import { Retention } from './retention.js';
import { Runner } from './runner.js';
import type { Surroundings } from './surroundings.js';
import { Topics } from './topics.js';
import { Waker } from './waker.js';

/** A coordinator, put together; it acts on unfinished transactions from {@link CoordinatorParts.start} on. */
export interface CoordinatorParts extends Operations {
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
export function coordinatorParts(given: Surroundings, alertWebhook?: string): CoordinatorParts {
  const logger = carefulLogger(given.logger);
  const surroundings = { ...given, logger };
  const { settings, store, clock, transport } = surroundings;
  const leases = new Leases(surroundings.owner);
  const metrics = new Metrics();
  const alerts = alertWebhook ? new Alerts(alertWebhook, settings, logger) : undefined;
  const waker = new Waker(surroundings, () => recovery.nudge());
  const breaker = new Breaker(surroundings, waker);
  const calls = new BranchCalls(surroundings, { breaker, metrics, alerts });
  const runner = new Runner(surroundings, calls, metrics);
  const recovery: Recovery = new Recovery(surroundings, leases, runner);
  const retention = new Retention(surroundings);
  const topics = new Topics(store, clock, transport);
  return {
    coordinator: new Coordinator(surroundings, leases, runner, topics),
    operator: new Operator(surroundings, breaker, waker),
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
