import { Injectable, Logger } from '@nestjs/common';
import {
  Msg,
  Saga,
  nestedTcc,
  runTcc,
  runXa,
  waitFor,
  type InitiatorDependencies,
  type MsgDependencies,
  type MsgOptions,
  type SagaOptions,
  type Tcc,
  type TccOptions,
  type WaitForOptions,
  type XaTransaction,
  type XaOptions,
} from '../client/index.js';
import type { HttpDestination } from '../driver/index.js';
import type {
  BranchContext,
  DtmApi,
  TransactionDetails,
  TransactionFilter,
  TransactionPage,
} from '../protocol/internal.js';
import { ApplicationEndpoint } from './branch/discover/application-endpoint.js';
import { BranchRegistry } from './branch/discover/branch.registry.js';
import { BranchTransport } from './branch-transport.js';
import { addNestedTcc } from './branch/serve/nested-tccs.js';
import { DtmSettings } from './options/dtm.options.js';
import { DtmRegistration } from './dtm.registration.js';

/** Starts and inspects global transactions. */
@Injectable()
export class DtmService {
  /** The coordinator itself. */
  readonly api: DtmApi;
  readonly #logger = new Logger('DtmService');
  readonly #dependencies: InitiatorDependencies & MsgDependencies;

  constructor(
    private readonly settings: DtmSettings,
    transport: BranchTransport,
    locator: BranchRegistry,
    private readonly endpoint: ApplicationEndpoint,
    private readonly registration: DtmRegistration,
  ) {
    this.api = settings.server;
    this.#dependencies = {
      api: settings.server,
      transport,
      locator,
      payloads: settings.payloads,
      getQueryPrepared: (adapter, protocol) => locator.getQueryPrepared(adapter, protocol),
    };
  }

  /**
   * What keeps this application from standing in the registry of its driver at present, e.g. for a health check; undefined
   * while it stands there, and when the option `register` was not given.
   */
  get registrationProblem(): string | undefined {
    return this.registration.problem;
  }

  /**
   * Where a URL of HTTP leads at present, for your own calls to services that the driver finds by name. Another instance may
   * be meant the next time.
   *
   * @param url - e.g. `nacos://bank/accounts`; a plain URL is returned as it is
   * @returns an http or https URL, with the headers that belong to it
   * @throws DtmArgumentError when the name could never be found; Error when nobody serves it at present
   *
   * @example
   * const { url, headers } = await dtm.resolveUrl('nacos://bank/accounts');
   * const answer = await fetch(url, { headers });
   */
  async resolveUrl(url: string): Promise<HttpDestination> {
    const { http } = this.settings.driver;
    if (!http?.isNamed(url, 'branch')) return { url };
    http.check(url);
    return http.resolve(url);
  }

  /** A new global id from the coordinator. */
  newGid(): Promise<string> {
    return this.api.newGid();
  }

  /**
   * Begins a saga; nothing is sent before its `submit()`.
   *
   * @param options - see {@link SagaOptions}
   * @throws DtmArgumentError when an option is not allowed
   *
   * @example
   * await dtm.saga()
   *   .add(branchOf(BankController, 'transOut'), { userId: 1, amount: 30 })
   *   .add({ action: 'http://bank2/transIn', compensate: 'http://bank2/undoTransIn' }, { userId: 2, amount: 30 })
   *   .submit({ waitResult: true });
   */
  saga(options: SagaOptions = {}): Saga {
    return new Saga(this.#dependencies, options);
  }

  /**
   * Runs a TCC transaction: everything that `work` reserved is confirmed when it returns, and cancelled when it throws.
   *
   * @param work - calls the branches
   * @param options - see {@link TccOptions}
   * @returns what `work` returned
   * @throws what {@link runTcc} throws
   *
   * @example
   * await dtm.tcc((tcc) => tcc.call(branchOf(BankController, 'freeze'), { userId: 1, amount: 30 }));
   */
  tcc<T>(work: (tcc: Tcc) => Promise<T> | T, options: TccOptions = {}): Promise<T> {
    return runTcc(this.#dependencies, work, {
      onAbortFailed: (error, gid) => this.#abortFailed(error, gid),
      ...options,
      protocol: options.protocol ?? this.#protocol(),
    });
  }

  /**
   * Runs an XA transaction: what the branches changed is committed in all their databases when `work` returns, and rolled
   * back in all of them when it throws.
   *
   * @param work - calls the branches
   * @param options - see {@link XaOptions}
   * @returns what `work` returned
   * @throws what {@link runXa} throws
   *
   * @example
   * await dtm.xa(async (xa) => {
   *   await xa.call(branchOf(BankController, 'transOut'), { userId: 1, amount: 30 });
   *   await xa.call('http://bank2/transIn', { userId: 2, amount: 30 });
   * });
   */
  xa<T>(work: (xa: XaTransaction) => Promise<T> | T, options: XaOptions = {}): Promise<T> {
    return runXa(this.#dependencies, work, {
      onAbortFailed: (error, gid) => this.#abortFailed(error, gid, 'XA transaction'),
      ...options,
      protocol: options.protocol ?? this.#protocol(),
    });
  }

  /**
   * Continues a TCC transaction inside the try of one of its branches. The try ends when all its calls have ended, and
   * fails when one of them failed, even when the handler caught it: its branch is registered, and would be confirmed.
   *
   * @param context - what `@Branch()` gave the handler
   * @param options - options for the calls
   * @throws DtmArgumentError when the context is not that of a TCC try
   */
  nestedTcc(context: BranchContext, options: Pick<TccOptions, 'branchHeaders' | 'requestTimeoutSeconds'> = {}): Tcc {
    const tcc = nestedTcc(this.#dependencies, context, options);
    addNestedTcc(context, tcc);
    return tcc;
  }

  /**
   * Begins a message: it is delivered to every step if, and only if, a local transaction commits; or, submitted alone, in
   * any case.
   *
   * @param options - see {@link MsgOptions}
   * @throws DtmArgumentError when an option is not allowed
   *
   * @example
   * await dtm.msg()
   *   .add(branchOf(BankController, 'transIn'), { userId: 2, amount: 30 })
   *   .doAndSubmit(barrier, (manager) => manager.decrement(Account, { id: 1 }, 'balance', 30));
   */
  msg(options: MsgOptions = {}): Msg {
    return new Msg(this.#dependencies, { onAbortFailed: (error, gid) => this.#dropFailed(error, gid), ...options });
  }

  /** Who takes the messages of which topic; {@link Msg.addTopic} sends them. */
  get topics(): Pick<DtmApi, 'subscribe' | 'unsubscribe' | 'deleteTopic'> {
    return this.api;
  }

  /**
   * State of a transaction and its branches.
   *
   * @param gid - global id
   * @returns undefined when the coordinator does not know it
   */
  query(gid: string): Promise<TransactionDetails | undefined> {
    return this.api.query(gid);
  }

  /**
   * Lists transactions page by page.
   *
   * @param filter - every field narrows
   */
  all(filter: TransactionFilter = {}): Promise<TransactionPage> {
    return this.api.all(filter);
  }

  /**
   * Ends an unfinished transaction as `failed` without calling a branch; for operators.
   *
   * @param gid - global id
   */
  forceStop(gid: string): Promise<void> {
    return this.api.forceStop(gid);
  }

  /**
   * Makes an unfinished transaction due at once, whatever pause it is in; for operators.
   *
   * @param gid - global id
   */
  retryNow(gid: string): Promise<void> {
    return this.api.retryNow(gid);
  }

  /**
   * Waits until a transaction has ended.
   *
   * @param gid - global id
   * @param options - see {@link WaitForOptions}
   * @throws DtmFailureError with reason and failing branch when it was rolled back; DtmOngoingError with the time of the
   *   next attempt when the time is up; DtmServerError when the coordinator does not know it
   */
  waitFor(gid: string, options: WaitForOptions = {}): Promise<void> {
    return waitFor(this.api, gid, options);
  }

  /** Their branches are not known when they begin; those of this application may be reached over gRPC only. */
  #protocol(): 'grpc' | undefined {
    return this.endpoint.transport === 'grpc' ? 'grpc' : undefined;
  }

  #dropFailed(error: unknown, gid: string): void {
    this.#logger.error(
      `message ${gid} could not be dropped; the coordinator asks about it when it times out`,
      error instanceof Error ? error.stack : error,
    );
  }

  #abortFailed(error: unknown, gid: string, what = 'TCC'): void {
    this.#logger.error(
      `${what} ${gid} could not be aborted; the coordinator rolls it back when it times out`,
      error instanceof Error ? error.stack : error,
    );
  }
}
