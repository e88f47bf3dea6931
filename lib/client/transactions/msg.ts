import { BranchBarrier, isMessageCommitted, type BarrierAdapter } from '../../barrier/index.js';
import {
  DtmArgumentError,
  DtmConfigError,
  DtmConnectionError,
  DtmDuplicatedError,
  DtmFailureError,
  DtmOngoingError,
  DtmServerError,
  TOPIC_SCHEME,
  encodeMsgPlan,
  errorText,
  type Payload,
  type Protocol,
  type StepUrls,
  type TransactionRequest,
} from '../../protocol/internal.js';
import { checkBranchUrl, urlsOnly, type BranchRef, type PayloadArgument } from '../branch/branch-ref.js';
import type { MsgDependencies, MsgOptions } from './msg-options.js';
import { checkOptions, protocolFor } from './global-transaction-options.js';
import { LazyGid } from './lazy-gid.js';
import { encodeFor } from '../payload/payload-codec.js';
import { submit } from './submit.js';

/**
 * A message that is delivered if, and only if, a local transaction commits. The message is prepared at the coordinator
 * first. When the initiator dies, the coordinator asks the initiator's database whether the transaction committed.
 *
 * @example
 * await dtm.msg()
 *   .add('http://bank2/transIn', { userId: 2, amount: 30 })
 *   .doAndSubmit(typeOrmBarrier(dataSource), (manager) => manager.decrement(Account, { id: 1 }, 'balance', 30));
 */
export class Msg {
  readonly #dependencies: MsgDependencies;
  readonly #options: MsgOptions;
  readonly #steps: StepUrls[] = [];
  readonly #payloads: Payload[] = [];
  readonly #gid: LazyGid;
  #headers: Readonly<Record<string, string>> | undefined;
  #isPrepared = false;

  /**
   * @param dependencies - coordinator, locator, payloads
   * @param options - see {@link MsgOptions}
   * @throws DtmArgumentError when an option is not allowed
   */
  constructor(dependencies: MsgDependencies, options: MsgOptions = {}) {
    checkOptions(options);
    const { delaySeconds = 0, queryPrepared, protocol } = options;
    if (!Number.isInteger(delaySeconds) || delaySeconds < 0) {
      throw new DtmArgumentError(`delaySeconds must be a whole number, 0 or more, not ${String(delaySeconds)}`);
    }
    if (queryPrepared !== undefined) checkBranchUrl(queryPrepared, 'queryPrepared', protocol, dependencies.transport);
    this.#dependencies = dependencies;
    this.#options = options;
    this.#gid = new LazyGid(dependencies.api, options.gid);
  }

  /**
   * Adds a step: a branch that is called until it has taken the payload.
   *
   * @param branch - URL, or a branch named by code
   * @param payload - sent as the branch takes it, over HTTP as JSON; without one the branch is called with GET
   * @throws DtmArgumentError when the URL is malformed or the payload cannot be encoded; DtmConfigError when the branch
   *   takes no messages
   */
  add<P>(branch: BranchRef<P>, ...payload: PayloadArgument<NoInfer<P>>): this;
  add(url: string, payload?: unknown): this;
  add(branch: string | BranchRef, payload?: unknown): this {
    const { transport, locator = urlsOnly } = this.#dependencies;
    const url = typeof branch === 'string' ? branch : locator.msgUrl(branch);
    checkBranchUrl(url, 'action', this.#options.protocol, transport);
    return this.#add(url, payload);
  }

  /**
   * Adds a step for each subscriber that a topic has when the message is prepared, or submitted without that.
   *
   * @param topic - its name
   * @param payload - sent to each of them as JSON
   * @throws DtmArgumentError when the name is empty or the payload is not JSON
   */
  addTopic(topic: string, payload?: unknown): this {
    if (!topic) throw new DtmArgumentError('a topic needs a name');
    return this.#add(`${TOPIC_SCHEME}${topic}`, payload);
  }

  /**
   * Stores the message at the coordinator, which does nothing yet. Needed before a local transaction of one's own; what
   * is not submitted in time is asked for at `queryPrepared`.
   *
   * @param queryPrepared - overrides that of the options
   * @returns the gid
   * @throws DtmConfigError when there is no such URL; what `DtmApi.prepare` throws
   */
  async prepare(queryPrepared: string | undefined = this.#options.queryPrepared): Promise<string> {
    if (queryPrepared === undefined) {
      throw new DtmConfigError(
        'a message that is prepared needs the option queryPrepared: the coordinator asks there what became of the local transaction',
      );
    }
    const request = await this.#request();
    await this.#dependencies.api.prepare({ ...request, queryPrepared });
    this.#isPrepared = true;
    return request.gid;
  }

  /**
   * Makes a transaction of the caller's decide about the message: prepares it, and writes into the transaction what tells
   * the coordinator whether it committed. Call {@link submit} after the commit; who dies before is asked.
   *
   * @param adapter - database of the transaction
   * @param tx - the open transaction
   * @returns the gid
   * @throws DtmConfigError when nobody would answer for the database; DtmDuplicatedError when the message was decided
   *   before; what {@link prepare} and `BranchBarrier.join` throw: the caller must roll back
   */
  async join<Tx>(adapter: BarrierAdapter<Tx>, tx: Tx): Promise<string> {
    const gid = await this.#prepareFor(adapter);
    await barrierOf(gid).join(adapter, tx, async () => undefined);
    return gid;
  }

  /**
   * Has the message delivered. It is one message however often this is called.
   *
   * @param options - `waitResult`: resolve only when every step has taken it
   * @returns the gid
   * @throws DtmFailureError when the coordinator refused it, e.g. because it was dropped; DtmOngoingError when (waiting)
   *   not every step has taken it; DtmServerError, DtmConnectionError
   */
  async submit(options: Pick<MsgOptions, 'waitResult'> = {}): Promise<string> {
    const request = { ...(await this.#request()), ...options };
    await submit(this.#dependencies.api, request);
    return request.gid;
  }

  /**
   * Runs the local transaction, then submits the message; or drops it when the transaction was rolled back. A transaction
   * whose commit was cut off is looked for in the database.
   *
   * @param adapter - the database
   * @param work - the local transaction; all its writes must go through the transaction that it is given
   * @param options - `waitResult`: resolve only when every step has taken the message
   * @returns what `work` returned
   * @throws whatever `work` throws: nothing was committed and the message is dropped
   * @throws DtmDuplicatedError when the message was decided before, e.g. by an attempt that died: `work` did not run; where
   *   it had been committed the message is submitted
   * @throws DtmOngoingError when the transaction committed, but the coordinator could not be told: it will ask, and deliver
   *   the message; or (waiting) when not every step has taken it
   * @throws DtmBarrierError when the database does not say whether the transaction committed: the coordinator will ask
   * @throws DtmConfigError when nobody would answer for the database; what {@link prepare} throws
   */
  async doAndSubmit<Tx, T>(
    adapter: BarrierAdapter<Tx>,
    work: (tx: Tx) => Promise<T>,
    options: Pick<MsgOptions, 'waitResult'> = {},
  ): Promise<T> {
    const gid = await this.#prepareFor(adapter);
    const done = await this.#runLocally(adapter, gid, work);
    try {
      await this.submit(options);
    } catch (cause) {
      if (!(cause instanceof DtmConnectionError || cause instanceof DtmServerError)) throw cause;
      throw new DtmOngoingError(
        `the local transaction of message ${gid} committed, but the coordinator could not be told (${cause.message}); ` +
          'it will ask, and deliver the message',
        { cause, gid },
      );
    }
    return done;
  }

  async #runLocally<Tx, T>(adapter: BarrierAdapter<Tx>, gid: string, work: (tx: Tx) => Promise<T>): Promise<T> {
    const result: { value?: T } = {};
    try {
      await barrierOf(gid).call(adapter, async (tx) => {
        delete result.value;
        result.value = await work(tx);
      });
    } catch (error) {
      // the commit was cut off, or somebody else began with this message before
      const isDuplicate = error instanceof DtmDuplicatedError;
      const mayBeCommitted = 'value' in result || isDuplicate;
      if (!mayBeCommitted || !(await isMessageCommitted(adapter, gid))) {
        await this.#drop(gid, error);
        throw error;
      }
      if (!isDuplicate) return result.value as T;
      await this.submit();
      throw new DtmDuplicatedError(
        `the local transaction of message ${gid} committed before; the message is submitted`,
        {
          cause: error,
          gid,
        },
      );
    }
    return result.value as T;
  }

  async #drop(gid: string, cause: unknown): Promise<void> {
    const rollbackReason = errorText(cause);
    const { onAbortFailed = warn } = this.#options;
    try {
      await this.#dependencies.api.abort({ gid, transType: 'msg', rollbackReason });
    } catch (error) {
      // the coordinator has asked, and dropped it already
      if (!(error instanceof DtmFailureError)) onAbortFailed(error, gid);
    }
  }

  async #prepareFor(adapter: BarrierAdapter<unknown>): Promise<string> {
    if (this.#isPrepared) return this.#gid.get();
    const { queryPrepared } = this.#options;
    if (queryPrepared !== undefined) return this.prepare(queryPrepared);
    const found = this.#dependencies.queryPrepared?.(adapter, this.#protocol() ?? 'http');
    this.#headers = found?.headers;
    return this.prepare(found?.url);
  }

  #protocol(): Protocol | undefined {
    const urls = this.#steps.map(({ action }) => action);
    const { api, transport } = this.#dependencies;
    return protocolFor(api, this.#options, urls, transport);
  }

  #add(url: string, payload: unknown): this {
    const encoded = encodeFor(this.#dependencies, url.startsWith(TOPIC_SCHEME) ? '' : url, payload);
    this.#steps.push({ action: url });
    this.#payloads.push(encoded);
    return this;
  }

  async #request(): Promise<TransactionRequest> {
    if (this.#steps.length === 0) throw new DtmArgumentError('a message needs at least one step; add() one first');
    const { delaySeconds = 0, onAbortFailed: _, queryPrepared: _url, ...options } = this.#options;
    const { api } = this.#dependencies;
    if (options.concurrent && api.protocol === 'grpc') {
      throw new DtmArgumentError('a message cannot be concurrent over the gRPC API of dtm, which has no field for it');
    }
    const branchHeaders = this.#headers ? { ...this.#headers, ...options.branchHeaders } : options.branchHeaders;
    return {
      ...options,
      branchHeaders,
      gid: await this.#gid.get(),
      transType: 'msg',
      steps: this.#steps,
      payloads: this.#payloads,
      customData: encodeMsgPlan({ delaySeconds }),
      protocol: this.#protocol(),
    };
  }
}

/** The barrier of the local transaction. */
function barrierOf(gid: string): BranchBarrier {
  return new BranchBarrier({ gid, transType: 'msg', branchId: '00', op: 'msg' });
}

function warn(error: unknown, gid: string): void {
  const reason = errorText(error);
  process.emitWarning(`message ${gid} could not be dropped (${reason}); dtm asks about it when it times out`, {
    code: 'DTM_ABORT',
  });
}
