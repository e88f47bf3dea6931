import { DtmArgumentError, type TransactionDetails, type TransactionRequest } from '../../protocol/internal.js';
import { assertRequest, createTransaction } from '../engine/create-transaction.js';
import type { CoordinatorEnvironment } from '../environment/coordinator-environment.js';
import { assertCallable } from './assert-callable.js';
import {
  NOT_FOUND_REMEDY,
  assertPrepared,
  assertSameMode,
  createStored,
  findStored,
  findStoredRecord,
  orUndecided,
} from './stored-transaction.js';

/** Operations of initiators on a workflow. The initiator runs it and decides how it ends: docs/protocol.md#workflow. */
export class Workflows {
  readonly #environment: CoordinatorEnvironment;

  constructor(environment: CoordinatorEnvironment) {
    this.#environment = environment;
  }

  /**
   * Stores a new workflow, due after its interval, because its initiator is running it now.
   *
   * @returns what is stored: the progress so far when the workflow exists already
   */
  async prepare(request: TransactionRequest): Promise<TransactionDetails> {
    this.#assertRequest(request);
    const { gid, transType } = request;
    if (transType !== 'workflow') {
      throw new DtmArgumentError(`prepareWorkflow prepares a workflow, not a ${transType}`, { gid });
    }
    const { settings, clock, store } = this.#environment;
    const details = createTransaction(request, 'prepared', settings, clock.now(), noTopics);
    if (await createStored(store, details)) return details;
    const stored = await orUndecided(gid, this.#find(gid));
    assertSameMode(stored.transaction, request);
    return stored;
  }

  /** Stores the end of a workflow, as its initiator reports it. */
  async finish(request: TransactionRequest): Promise<void> {
    this.#assertRequest(request);
    return orUndecided(request.gid, this.#finish(request));
  }

  async #finish(request: TransactionRequest): Promise<void> {
    const { gid } = request;
    const transaction = await findStoredRecord(this.#environment.store, gid, NOT_FOUND_REMEDY);
    assertSameMode(transaction, request);
    const { status, result, rollback_reason: reason } = request.reqExtra ?? {};
    if (status !== 'succeed' && status !== 'failed') {
      const text = JSON.stringify(status);
      throw new DtmArgumentError(`req_extra.status of a workflow must be succeed or failed, not ${text}`, { gid });
    }
    // the answer to the first attempt may have been lost
    if (transaction.status === status) return;
    assertPrepared(transaction);
    const { clock, store } = this.#environment;
    const now = clock.now();
    const finished = {
      ...transaction,
      status,
      result: result || undefined,
      rollbackReason: reason || transaction.rollbackReason,
      updateTime: now,
      finishTime: status === 'succeed' ? now : undefined,
      rollbackTime: status === 'failed' ? now : undefined,
      owner: undefined,
    } as const;
    if (!(await store.update({ status: 'prepared' }, finished, new Map()))) await this.#finish(request);
  }

  #assertRequest(request: TransactionRequest): void {
    assertRequest(request, this.#environment.settings);
    assertCallable(this.#environment.transport, request);
  }

  #find(gid: string): Promise<TransactionDetails> {
    return findStored(this.#environment.store, gid, NOT_FOUND_REMEDY);
  }
}

function noTopics(): readonly string[] {
  return [];
}
