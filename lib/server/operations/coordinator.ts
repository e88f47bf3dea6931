import {
  DtmArgumentError,
  assertWholeNumber,
  redactTransaction,
  type BranchRegistration,
  type DtmApi,
  type KvPage,
  type TransactionDetails,
  type TransactionFilter,
  type TransactionPage,
  type TransactionRequest,
} from '../../protocol/internal.js';
import type { CoordinatorEnvironment } from '../environment/coordinator-environment.js';
import { Metrics } from '../environment/metrics.js';
import { StoreHealth } from '../environment/store-health.js';
import { Execution } from '../execution/execution.js';
import { nextTurn } from '../../support/next-turn.js';
import type { WakeResult } from '../execution/waker.js';
import type { KvFilter, Store } from '../store/store.js';
import { VERSION } from '../version.js';
import { HeldBackBranches } from './held-back.js';
import { newGid } from './new-gid.js';
import { Operator } from './operator.js';
import { Topics } from './topics.js';
import { Transactions, type AbortRequest } from './transactions.js';
import { Workflows } from './workflows.js';

/** A larger page would block the event loop for too long. */
const MAX_PAGE_SIZE = 3000;

/** Number of branches that take longer than a few milliseconds to read. */
const LARGE = 1000;

/**
 * The coordinator: every operation of {@link DtmApi}, and those that only its own APIs offer. Each API is a thin layer over
 * it. It acts on unfinished transactions from {@link Coordinator.start} on.
 */
export class Coordinator implements DtmApi {
  /** Called without a socket; branches over gRPC make a transaction one of gRPC. */
  readonly protocol = 'http';
  readonly metrics = new Metrics();
  readonly storeHealth: StoreHealth;
  readonly #store: Store;
  readonly #execution: Execution;
  readonly #transactions: Transactions;
  readonly #workflows: Workflows;
  readonly #operator: Operator;
  readonly #heldBack: HeldBackBranches;
  readonly #topics: Topics;

  /**
   * @param alertWebhook - URL to which repeated failures of a branch are posted. @default no alerts
   * @throws DtmConfigError when the webhook is not an http or https URL
   */
  constructor(environment: CoordinatorEnvironment, alertWebhook?: string) {
    this.#store = environment.store;
    this.storeHealth = new StoreHealth(environment, this.metrics);
    this.#execution = new Execution(environment, this.metrics, this.storeHealth, alertWebhook);
    this.#topics = new Topics(environment);
    this.#heldBack = new HeldBackBranches(this.#execution.circuitBreaker, environment.transport);
    this.#transactions = new Transactions(environment, this.#execution, this.#topics, this.#heldBack);
    this.#workflows = new Workflows(environment);
    this.#operator = new Operator(environment, this.#execution);
  }

  /** Begins to poll for due transactions and to delete old ones. Idempotent. */
  start(): void {
    this.#execution.start();
  }

  /** Stops calling branches at once and waits until running work is stored. May be called again. */
  stop(): Promise<void> {
    return this.#execution.stop();
  }

  get address(): string | undefined {
    return undefined;
  }

  async newGid(): Promise<string> {
    return newGid();
  }

  async version(): Promise<string> {
    return VERSION;
  }

  prepare(request: TransactionRequest): Promise<void> {
    return this.#transactions.prepare(request);
  }

  /** Stores a new workflow; returns its progress when it exists already. */
  async prepareWorkflow(request: TransactionRequest): Promise<TransactionDetails> {
    return redactDetails(await this.#workflows.prepare(request));
  }

  async submit(request: TransactionRequest): Promise<void> {
    return request.transType === 'workflow' ? this.#workflows.finish(request) : this.#transactions.submit(request);
  }

  abort(request: AbortRequest): Promise<void> {
    return this.#transactions.abort(request);
  }

  registerBranch(branch: BranchRegistration): Promise<void> {
    return this.#transactions.registerBranch(branch);
  }

  async query(gid: string): Promise<TransactionDetails | undefined> {
    // JavaScript callers may pass anything
    if (typeof gid !== 'string' || gid === '') throw new DtmArgumentError('no gid specified');
    const details = await this.#store.find(gid);
    // the caller goes through the branches, too: not in the turn of the event loop that has read them
    if ((details?.branches.length ?? 0) > LARGE) await nextTurn();
    return details && redactDetails(this.#heldBack.mark(details));
  }

  async all(filter: TransactionFilter = {}): Promise<TransactionPage> {
    for (const name of ['limit', 'createTimeStart', 'createTimeEnd'] as const) assertWholeNumber(name, filter[name]);
    const limited = (filter.limit ?? 0) > MAX_PAGE_SIZE ? { ...filter, limit: MAX_PAGE_SIZE } : filter;
    const page = await this.#store.list(limited);
    return { ...page, transactions: page.transactions.map(redactTransaction) };
  }

  forceStop(gid: string): Promise<void> {
    return this.#operator.forceStop(gid);
  }

  retryNow(gid: string): Promise<void> {
    return this.#operator.retryNow(gid);
  }

  /** See {@link Operator.retryAllNow}. */
  retryAllNow(timeoutSeconds: number, limit: number): Promise<WakeResult> {
    return this.#operator.retryAllNow(timeoutSeconds, limit);
  }

  /** See {@link Operator.retryTarget}. */
  retryTarget(target: string, limit: number): Promise<WakeResult> {
    return this.#operator.retryTarget(target, limit);
  }

  subscribe(topic: string, url: string, remark = ''): Promise<void> {
    return this.#topics.subscribe(topic, url, remark);
  }

  unsubscribe(topic: string, url: string): Promise<void> {
    return this.#topics.unsubscribe(topic, url);
  }

  deleteTopic(topic: string): Promise<void> {
    return this.#topics.deleteTopic(topic);
  }

  /** Lists the key-value records, topics among them. */
  listKv(filter: KvFilter): Promise<KvPage> {
    return this.#store.listKv((filter.limit ?? 0) > MAX_PAGE_SIZE ? { ...filter, limit: MAX_PAGE_SIZE } : filter);
  }
}

function redactDetails(details: TransactionDetails): TransactionDetails {
  return { ...details, transaction: redactTransaction(details.transaction) };
}
