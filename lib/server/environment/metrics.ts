import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { TransType } from '../../protocol/internal.js';

/** The API of a request. */
export type ApiType = 'http' | 'grpc';

/** Other branch ids share one label value, because clients choose them. */
const COUNTED_BRANCH_ID = /^\d\d$/;

/**
 * Metrics of the coordinator, with the names of Go dtm: docs/protocol.md#metrics. No label takes its values from requests, so the number of
 * series is bounded.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests = this.#counter('dtm_server_process_total', 'requests', ['type', 'api', 'status']);
  readonly #requestSeconds = this.#histogram('dtm_server_response_duration', 'time of requests, seconds', [
    'type',
    'api',
  ]);
  readonly #passes = this.#counter('dtm_transaction_process_total', 'passes over transactions', ['model', 'status']);
  readonly #transactionSeconds = this.#histogram(
    'dtm_transaction_handled_duration',
    'age of transactions when a pass over them ended, seconds',
    ['model'],
  );
  readonly #branchCalls = this.#counter('dtm_branch_process_total', 'calls of branches', [
    'model',
    'branchid',
    'branchtype',
    'status',
  ]);
  readonly #storeWritable = new Gauge({
    name: 'dtm_server_store_writable',
    help: 'whether the store can write, 1 or 0, as the last probe or poll found',
    registers: [this.#registry],
  });
  #isWatching = false;
  #registeredGauge: Gauge | undefined;

  constructor() {
    // the label names of Go dtm
    const labels = { gin_version: `node:http ${process.versions.node}`, grpc_version: '' };
    new Gauge({
      name: 'dtm_server_info',
      help: 'the server, always 1',
      labelNames: Object.keys(labels),
      registers: [this.#registry],
    }).set(labels, 1);
    this.setStoreWritable(true);
  }

  /** Content type of {@link text}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Adds the metrics of the process: CPU, memory, event loop, garbage collection. Idempotent. */
  watchProcess(): void {
    if (!this.#isWatching) collectDefaultMetrics({ register: this.#registry });
    this.#isWatching = true;
  }

  /** Sets whether the coordinator is registered in the registry of its driver. */
  setRegistered(isRegistered: boolean): void {
    this.#registeredGauge ??= new Gauge({
      name: 'dtm_server_registered',
      help: 'whether the server is registered in the registry of its driver, 1 or 0',
      registers: [this.#registry],
    });
    this.#registeredGauge.set(isRegistered ? 1 : 0);
  }

  /** Sets whether the store can write. */
  setStoreWritable(isWritable: boolean): void {
    this.#storeWritable.set(isWritable ? 1 : 0);
  }

  /**
   * Counts a request.
   *
   * @param type - API
   * @param api - operation in lower case
   * @param isOk - the answer was no error
   * @param seconds - duration
   */
  countRequest(type: ApiType, api: string, isOk: boolean, seconds: number): void {
    this.#requests.child(type, api, statusOf(isOk)).inc();
    this.#requestSeconds.child(type, api).observe(seconds);
  }

  /**
   * Counts a pass over a transaction.
   *
   * @param isOk - the pass ended without an error of the store
   * @param ageSeconds - age of the transaction
   */
  countPass(model: TransType, isOk: boolean, ageSeconds: number): void {
    this.#passes.child(model, statusOf(isOk)).inc();
    this.#transactionSeconds.child(model).observe(ageSeconds);
  }

  /**
   * Counts a call of a branch.
   *
   * @param op - operation; every workflow is counted as `workflow`
   * @param isOk - the outcome decided the branch
   */
  countBranchCall(model: TransType, branchId: string, op: string, isOk: boolean): void {
    const type = model === 'workflow' ? 'workflow' : op;
    this.#branchCalls.child(model, COUNTED_BRANCH_ID.test(branchId) ? branchId : 'other', type, statusOf(isOk)).inc();
  }

  /** All metrics in the text format of Prometheus. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]) {
    return withCachedChildren(new Counter({ name, help, labelNames, registers: [this.#registry] }));
  }

  #histogram<Label extends string>(name: string, help: string, labelNames: Label[]) {
    return withCachedChildren(new Histogram({ name, help, labelNames, registers: [this.#registry] }));
  }
}

/** Caches the series of each set of labels, because their lookup costs more than counting. */
function withCachedChildren<Child>(metric: { labels(...values: string[]): Child }): {
  child(...values: string[]): Child;
} {
  const known = new Map<string, Child>();
  return {
    child(...values) {
      const key = values.join('\n');
      const child = known.get(key) ?? metric.labels(...values);
      known.set(key, child);
      return child;
    },
  };
}

function statusOf(isOk: boolean): string {
  return isOk ? 'ok' : 'fail';
}
