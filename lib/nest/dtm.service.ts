import { Injectable, Logger } from '@nestjs/common';
import {
  Saga,
  nestedTcc,
  runTcc,
  type ClientDependencies,
  type SagaOptions,
  type Tcc,
  type TccOptions,
} from '../client/index.js';
import type {
  BranchContext,
  DtmApi,
  TransactionDetails,
  TransactionFilter,
  TransactionPage,
} from '../protocol/index.js';
import { BranchRegistry } from './branch/branch.registry.js';
import { BranchTransport } from './branch/branch-transport.js';
import { rememberNested } from './branch/nested-tccs.js';
import { DtmSettings } from './dtm.options.js';

/** Starts and inspects global transactions. */
@Injectable()
export class DtmService {
  /** The coordinator itself. */
  readonly api: DtmApi;
  readonly #logger = new Logger('DtmService');
  readonly #dependencies: ClientDependencies;

  constructor(settings: DtmSettings, transport: BranchTransport, locator: BranchRegistry) {
    this.api = settings.server;
    this.#dependencies = { api: settings.server, transport, locator };
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
    rememberNested(context, tcc);
    return tcc;
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

  #abortFailed(error: unknown, gid: string): void {
    this.#logger.error(
      `TCC ${gid} could not be aborted; the coordinator rolls it back when it times out`,
      error instanceof Error ? error.stack : error,
    );
  }
}
