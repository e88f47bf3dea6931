import { Inject, Injectable, Logger } from '@nestjs/common';
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
  type XaOptions,
  type XaTransaction,
} from '../client/index.js';
import type { HttpDestination } from '../driver/index.js';
import type {
  BranchContext,
  DtmApi,
  TransactionDetails,
  TransactionFilter,
  TransactionPage,
} from '../protocol/internal.js';
import { shareClass } from '../support/share-class.js';
import { ApplicationEndpoint } from './branch/discover/application-endpoint.js';
import { BranchRegistry } from './branch/discover/branch.registry.js';
import { addNestedTcc } from './branch/serve/nested-tccs.js';
import { BranchTransport } from './branch-transport.js';
import { DtmRegistration } from './dtm.registration.js';
import { DtmSettings } from './options/dtm.settings.js';

/** Starts and inspects global transactions. Injected into the application's own providers. */
@shareClass('DtmService', Injectable)
@Injectable()
export class DtmService {
  // injected by property, so that the declarations of this public class name no internal type
  @Inject(DtmSettings) private readonly settings!: DtmSettings;
  @Inject(BranchTransport) private readonly transport!: BranchTransport;
  @Inject(BranchRegistry) private readonly branches!: BranchRegistry;
  @Inject(ApplicationEndpoint) private readonly endpoint!: ApplicationEndpoint;
  @Inject(DtmRegistration) private readonly registration!: DtmRegistration;
  readonly #logger = new Logger('DtmService');

  /** The coordinator's own operations, for what this class does not offer. */
  get api(): DtmApi {
    return this.settings.api;
  }

  /**
   * Why this application is not registered in the registry of its driver at present, e.g. for a health check; undefined while
   * it is, and when the option `register` was not given.
   */
  get registrationProblem(): string | undefined {
    return this.registration.problem;
  }

  /**
   * Resolves a URL with a service name to the URL of an instance, for your own calls to services of the driver. The next call
   * may give another instance.
   *
   * @param url - e.g. `nacos://bank/accounts`; a plain URL is returned unchanged
   * @returns an http or https URL, with the headers that belong to it
   * @throws DtmArgumentError when the name is invalid; Error when no healthy instance is registered. A name that has never had an
   *   instance fails after 5 seconds
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

  /** Gets a new global id from the coordinator. */
  newGid(): Promise<string> {
    return this.api.newGid();
  }

  /**
   * Begins a saga. Nothing is sent before its `submit()`.
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
   * @throws what `runTcc` of `nestjs-dtm/client` throws
   *
   * @example
   * await dtm.tcc((tcc) => tcc.call(branchOf(BankController, 'freeze'), { userId: 1, amount: 30 }));
   */
  tcc<T>(work: (tcc: Tcc) => Promise<T> | T, options: TccOptions = {}): Promise<T> {
    return runTcc(this.#dependencies, work, {
      onAbortFailed: (error, gid) => this.#logAbortFailed('TCC', error, gid),
      ...options,
      protocol: options.protocol ?? this.#protocol(),
    });
  }

  /**
   * Runs an XA transaction: the changes of the branches are committed in all their databases when `work` returns, and rolled
   * back in all of them when it throws.
   *
   * @param work - calls the branches
   * @param options - see {@link XaOptions}
   * @returns what `work` returned
   * @throws what `runXa` of `nestjs-dtm/client` throws
   *
   * @example
   * await dtm.xa(async (xa) => {
   *   await xa.call(branchOf(BankController, 'transOut'), { userId: 1, amount: 30 });
   *   await xa.call('http://bank2/transIn', { userId: 2, amount: 30 });
   * });
   */
  xa<T>(work: (xa: XaTransaction) => Promise<T> | T, options: XaOptions = {}): Promise<T> {
    return runXa(this.#dependencies, work, {
      onAbortFailed: (error, gid) => this.#logAbortFailed('XA transaction', error, gid),
      ...options,
      protocol: options.protocol ?? this.#protocol(),
    });
  }

  /**
   * Continues a TCC transaction inside the try of one of its branches. The try ends when all calls have ended. It fails when
   * one of them failed, even if the handler caught the error: the branch is registered and would be confirmed.
   *
   * @param context - the context that `@Branch()` injects into the handler
   * @param options - options of the calls
   * @throws DtmArgumentError when the context is not the one of a TCC try
   */
  nestedTcc(context: BranchContext, options: Pick<TccOptions, 'branchHeaders' | 'requestTimeoutSeconds'> = {}): Tcc {
    const tcc = nestedTcc(this.#dependencies, context, options);
    addNestedTcc(context, tcc);
    return tcc;
  }

  /**
   * Begins a message. With `doAndSubmit()` every step gets the message if, and only if, a local transaction commits; with
   * `submit()` every step gets it in any case.
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
    return new Msg(this.#dependencies, { onAbortFailed: (error, gid) => this.#logDropFailed(error, gid), ...options });
  }

  /** Manages the subscribers of topics; {@link Msg.addTopic} sends a message to them. */
  get topics(): Pick<DtmApi, 'subscribe' | 'unsubscribe' | 'deleteTopic'> {
    return this.api;
  }

  /**
   * Reads a transaction and its branches.
   *
   * @param gid - global id
   * @returns undefined when the coordinator does not know the transaction
   */
  query(gid: string): Promise<TransactionDetails | undefined> {
    return this.api.query(gid);
  }

  /**
   * Lists transactions, page by page.
   *
   * @param filter - all given fields must match
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
   * Retries an unfinished transaction at once instead of at its next attempt; for operators.
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
   * @throws DtmFailureError with reason and failing branch when the transaction was rolled back; DtmOngoingError with the time
   *   of the next attempt when the wait timed out; DtmServerError when the coordinator does not know the transaction
   */
  waitFor(gid: string, options: WaitForOptions = {}): Promise<void> {
    return waitFor(this.api, gid, options);
  }

  get #dependencies(): InitiatorDependencies & MsgDependencies {
    const { api, payloads } = this.settings;
    const { transport, branches } = this;
    return {
      api,
      transport,
      locator: branches,
      payloads,
      getQueryPrepared: (adapter, protocol) => branches.getQueryPrepared(adapter, protocol),
    };
  }

  /** The branches are not known when a transaction begins; those of this application may be reachable over gRPC only. */
  #protocol(): 'grpc' | undefined {
    return this.endpoint.route === 'grpc' ? 'grpc' : undefined;
  }

  #logDropFailed(error: unknown, gid: string): void {
    this.#logger.error(
      `message ${gid} could not be dropped; the coordinator makes the query-back when the message times out`,
      error instanceof Error ? error.stack : error,
    );
  }

  #logAbortFailed(subject: string, error: unknown, gid: string): void {
    this.#logger.error(
      `${subject} ${gid} could not be aborted; the coordinator rolls it back when the transaction times out`,
      error instanceof Error ? error.stack : error,
    );
  }
}
