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
  assertWholeNumber,
  encodeMsgPlan,
  errorText,
  withoutAddresses,
  type Payload,
  type Protocol,
  type StepUrls,
  type TransactionRequest,
} from '../../protocol/internal.js';
import { assertBranchUrl } from '../branch/assert-branch-url.js';
import { unknownBranches } from '../branch/branch-locator.js';
import type { BranchRef, PayloadArgument } from '../branch/branch-ref.js';
import { encodePayload } from '../payload/payload-codec.js';
import { DeclaredTimeouts } from './declared-timeouts.js';
import { assertOptions, resolveProtocol } from './global-transaction-options.js';
import { LazyGid } from './lazy-gid.js';
import type { MsgDependencies, MsgOptions } from './msg-options.js';
import { submit } from './submit.js';

/**
 * A message that is delivered if, and only if, a local transaction commits. The coordinator stores the message first. When
 * the initiator dies after that, the coordinator asks the database of the initiator whether the transaction committed.
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
  readonly #timeouts = new DeclaredTimeouts();
  #headers: Readonly<Record<string, string>> | undefined;
  #isPrepared = false;

  /**
   * @param dependencies - coordinator, locator, payloads
   * @param options - see {@link MsgOptions}
   * @throws DtmArgumentError when an option is not allowed
   */
  constructor(dependencies: MsgDependencies, options: MsgOptions = {}) {
    assertOptions(options);
    const { delaySeconds = 0, queryPrepared, protocol } = options;
    assertWholeNumber('delaySeconds', delaySeconds);
    if (queryPrepared !== undefined) assertBranchUrl(queryPrepared, 'queryPrepared', protocol, dependencies.transport);
    this.#dependencies = dependencies;
    this.#options = options;
    this.#gid = new LazyGid(dependencies.api, options.gid);
  }

  /**
   * Adds a step: a branch that is called until it succeeds.
   *
   * @param branch - URL, or a reference from `branchOf()`
   * @param payload - over HTTP sent as JSON, over gRPC as `PayloadCodec` encodes it. Without a payload, branches over HTTP
   *   are called with GET
   * @throws DtmArgumentError when the URL is malformed or the payload cannot be encoded; DtmConfigError when the branch
   *   takes no messages
   */
  add<P>(branch: BranchRef<P>, ...payload: PayloadArgument<NoInfer<P>>): this;
  add(url: string, payload?: unknown): this;
  add(branch: string | BranchRef, payload?: unknown): this {
    const { transport, locator = unknownBranches } = this.#dependencies;
    const url = typeof branch === 'string' ? branch : locator.getMsgUrl(branch);
    assertBranchUrl(url, 'action', this.#options.protocol, transport);
    if (typeof branch !== 'string') this.#timeouts.add(locator, branch, url);
    return this.#add(url, payload);
  }

  /**
   * Adds a step for each subscriber of a topic. The coordinator reads the subscribers at the prepare, or at a submit without
   * a prepare.
   *
   * @param topic - name of the topic
   * @param payload - sent to each subscriber as JSON
   * @throws DtmArgumentError when the name is empty or the payload is not JSON
   */
  addTopic(topic: string, payload?: unknown): this {
    if (!topic) throw new DtmArgumentError('addTopic needs the name of a topic');
    return this.#add(`${TOPIC_SCHEME}${topic}`, payload);
  }

  /**
   * Stores the message at the coordinator, which does not deliver it yet. Call it before a local transaction that you run
   * yourself. When no submit arrives in time, the coordinator makes the query-back to `queryPrepared`.
   *
   * @param queryPrepared - URL of the query-back. @default that of the options
   * @returns the gid
   * @throws DtmConfigError without such a URL; what `DtmApi.prepare` throws
   */
  async prepare(queryPrepared: string | undefined = this.#options.queryPrepared): Promise<string> {
    if (queryPrepared === undefined) {
      throw new DtmConfigError(
        'prepare() of a message needs the option queryPrepared: the URL where the coordinator asks whether the local transaction committed',
      );
    }
    const request = await this.#request();
    await this.#dependencies.api.prepare({ ...request, queryPrepared });
    this.#isPrepared = true;
    return request.gid;
  }

  /**
   * Prepares the message, and makes your open transaction decide about it: a row in the transaction tells the coordinator
   * whether it committed. Call {@link submit} after the commit. When the process dies before, the coordinator asks.
   *
   * @param adapter - database of the transaction
   * @param tx - the open transaction
   * @returns the gid
   * @throws DtmConfigError when no endpoint serves the database; DtmDuplicatedError when the message was decided before;
   *   what {@link prepare} and `BranchBarrier.join` throw. Roll back in all these cases
   */
  async join<Tx>(adapter: BarrierAdapter<Tx>, tx: Tx): Promise<string> {
    const gid = await this.#prepareFor(adapter);
    await barrierOf(gid).join(adapter, tx, async () => undefined);
    return gid;
  }

  /**
   * Submits the message for delivery. Repeated calls submit the same message.
   *
   * @param options - `waitResult`: resolve only when every step has succeeded
   * @returns the gid
   * @throws DtmFailureError when the coordinator refused the message, for example because it was dropped; DtmOngoingError
   *   when (waiting) not every step has succeeded; DtmServerError, DtmConnectionError
   */
  async submit(options: Pick<MsgOptions, 'waitResult'> = {}): Promise<string> {
    const request = { ...(await this.#request()), ...options };
    await submit(this.#dependencies.api, request);
    return request.gid;
  }

  /**
   * Runs the local transaction, then submits the message. Drops the message when the transaction was rolled back. When the
   * answer to the commit is lost, looks into the database whether the transaction committed.
   *
   * @param adapter - the database
   * @param work - the local transaction; make all changes through the transaction that it receives
   * @param options - `waitResult`: resolve only when every step has succeeded
   * @returns the result of `work`
   * @throws the error of `work`, unchanged: nothing was committed, and the message is dropped
   * @throws DtmDuplicatedError when the message was decided before, for example by an attempt that died. `work` did not run.
   *   When that attempt had committed, the message is submitted
   * @throws DtmOngoingError when the transaction committed, but the submit failed: the coordinator will ask, and deliver the
   *   message; or (waiting) when not every step has succeeded
   * @throws DtmBarrierError when the database does not tell whether the transaction committed: the coordinator will ask
   * @throws DtmConfigError when no endpoint serves the database; what {@link prepare} throws
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
        `the local transaction of message ${gid} committed, but the submit failed: ${withoutAddresses(cause.message)}; ` +
          'the coordinator will ask, and deliver the message',
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
      // the answer to the commit was lost, or another attempt has started this message
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
        { cause: error, gid },
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
      // the coordinator has asked already, and dropped the message
      if (!(error instanceof DtmFailureError)) onAbortFailed(error, gid);
    }
  }

  async #prepareFor(adapter: BarrierAdapter<unknown>): Promise<string> {
    if (this.#isPrepared) return this.#gid.get();
    const { queryPrepared } = this.#options;
    if (queryPrepared !== undefined) return this.prepare(queryPrepared);
    const found = this.#dependencies.getQueryPrepared?.(adapter, this.#protocol() ?? 'http');
    this.#headers = found?.headers;
    return this.prepare(found?.url);
  }

  #protocol(): Protocol | undefined {
    const urls = this.#steps.map(({ action }) => action);
    const { api, transport } = this.#dependencies;
    return resolveProtocol(api, this.#options, urls, transport);
  }

  #add(url: string, payload: unknown): this {
    const encoded = encodePayload(this.#dependencies, url.startsWith(TOPIC_SCHEME) ? '' : url, payload);
    this.#steps.push({ action: url });
    this.#payloads.push(encoded);
    return this;
  }

  async #request(): Promise<TransactionRequest> {
    if (this.#steps.length === 0) throw new DtmArgumentError('a message needs at least one step; call add() first');
    const { delaySeconds = 0, onAbortFailed: _, queryPrepared: _url, ...options } = this.#options;
    const { api } = this.#dependencies;
    if (options.concurrent && api.protocol === 'grpc') {
      throw new DtmArgumentError(
        'a message cannot be concurrent over the gRPC API of dtm, which has no field for it; use the HTTP API',
      );
    }
    const branchHeaders = this.#headers ? { ...this.#headers, ...options.branchHeaders } : options.branchHeaders;
    return {
      ...options,
      branchTimeoutSeconds: this.#timeouts.with(options),
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
  process.emitWarning(
    `message ${gid} could not be dropped: ${errorText(error)}; the coordinator makes the query-back when the message times out`,
    { code: 'DTM_ABORT' },
  );
}
