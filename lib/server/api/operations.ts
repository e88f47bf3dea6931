import type { Coordinator } from '../operations/coordinator.js';
import type { Metrics } from '../environment/metrics.js';
import type { Operator } from '../operations/operator.js';
import type { Topics } from '../operations/topics.js';

/** Everything that the APIs offer; each API is a thin skin over it. */
export interface Operations {
  /** What initiators and participants do. */
  readonly coordinator: Coordinator;
  /** What people do. */
  readonly operator: Operator;
  /** Who takes which messages. */
  readonly topics: Topics;
  /** What is counted. */
  readonly metrics: Metrics;
}
