import { randomUUID } from 'node:crypto';
import {
  DtmArgumentError,
  DtmFailureError,
  DtmOngoingError,
  DtmServerError,
  checkGid,
  isFinal,
  type BranchRegistration,
  type DtmApi,
  type TransactionDetails,
  type TransactionFilter,
  type TransactionPage,
  type TransactionRecord,
  type TransactionRequest,
} from '../../protocol/internal.js';
import { assertRequest, createTransaction, optionsOf } from '../engine/create-transaction.js';
import { beginPass } from '../engine/pass.js';
import { baseInterval, leaseTime, scheduleNext } from '../engine/schedule.js';
import { MODES } from '../engine/modes.js';
import type { Leases } from '../execution/leases.js';
import { assertBranchCallable, assertCallable, needsTransport } from './assert-callable.js';
import type { Runner } from '../execution/runner.js';
import type { CoordinatorEnvironment } from '../environment/coordinator-environment.js';
import type { Topics } from './topics.js';
import { VERSION } from '../version.js';

/** Alphabet of generated gids, as in Go dtm. */
const BASE57 = '23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** A larger page would keep everybody else waiting. */
const MAX_PAGE_SIZE = 10_000;

/** The operations of the coordinator, behind every API: docs/protocol.md#calls-by-state. */
export class Coordinator implements Omit<
  DtmApi,
  'address' | 'protocol' | 'forceStop' | 'retryNow' | 'subscribe' | 'unsubscribe' | 'deleteTopic'
> {
  readonly #environment: CoordinatorEnvironment;
  readonly #leases: Leases;
  readonly #runner: Runner;
  readonly #topics: Topics;

  constructor(environment: CoordinatorEnvironment, leases: Leases, runner: Runner, topics: Topics) {
    this.#environment = environment;
    this.#leases = leases;
    this.#runner = runner;
    this.#topics = topics;
  }

  async newGid(): Promise<string> {
    let rest = BigInt(`0x${randomUUID().replaceAll('-', '')}`);
    let gid = '';
    for (; rest > 0n; rest /= 57n) gid += BASE57[Number(rest % 57n)];
    return gid;
  }

  async version(): Promise<string> {
    return VERSION;
  }

  async prepare(request: TransactionRequest): Promise<void> {
    this.#check(request);
    const { settings, clock, store, random } = this.#environment;
    const now = clock.now();
    const subscribers = await this.#topics.lookupFor(request);
    const { transaction, branches } = createTransaction(request, 'prepared', settings, now, subscribers);
    const deadline = MODES[transaction.transType].machine(transaction, branches.length, settings).deadline(transaction);
    const schedule = scheduleNext(beginPass({ transaction, branches }), deadline, settings, now, random);
    if (await store.create({ transaction: { ...transaction, ...schedule }, branches })) return;
    const stored = await this.#find(request.gid);
    checkType(stored.transaction, request);
    if (stored.transaction.status !== 'prepared') {
      throw new DtmFailureError(`current status '${stored.transaction.status}', cannot prepare.`, { gid: request.gid });
    }
  }

  async prepareWorkflow(request: TransactionRequest): Promise<TransactionDetails> {
    this.#check(request);
    if (request.transType !== 'workflow') {
      throw new DtmArgumentError(`prepareWorkflow prepares a workflow, not a ${request.transType}`, {
        gid: request.gid,
      });
    }
    const { settings, clock, store } = this.#environment;
    // due after its interval, for its initiator is running it now
    const details = createTransaction(request, 'prepared', settings, clock.now(), noTopics);
    if (await store.create(details)) return details;
    const stored = await this.#find(request.gid);
    checkType(stored.transaction, request);
    return stored;
  }

  async submit(request: TransactionRequest): Promise<void> {
    this.#check(request);
    const { gid, transType, steps = [] } = request;
    if (transType === 'workflow') return this.#finishWorkflow(await this.#find(gid), request);
    const { settings, clock, store } = this.#environment;
    // a saga is hardly ever prepared before
    const isNew = transType === 'saga' && steps.length > 0;
    const stored = isNew ? undefined : await store.find(gid);
    if (stored) return this.#submitStored(stored, request);

    const now = clock.now();
    const subscribers = await this.#topics.lookupFor(request);
    const fresh = createTransaction(request, 'submitted', settings, now, subscribers);
    const details = { ...fresh, transaction: this.#own(fresh.transaction, now) };
    if (!(await store.create(details))) return this.#submitStored(await this.#find(gid), request);
    return this.#process(details, request.waitResult);
  }

  /** Steps and payloads of the request do not count any more: they were stored before. */
  async #submitStored(stored: TransactionDetails, request: TransactionRequest): Promise<void> {
    const { clock, settings, store } = this.#environment;
    const { transaction } = stored;
    checkType(transaction, request);
    if (transaction.status === 'submitted') {
      // submitting again changes nothing: what is stored goes on, and can be waited for
      if (request.waitResult) answerFor(await this.#current(stored));
      return;
    }
    if (transaction.status !== 'prepared') {
      // spelt as dtm spells it
      throw new DtmFailureError(`current status '${transaction.status}', cannot sumbmit.`, { gid: request.gid });
    }
    const customData = request.customData ?? transaction.customData;
    // what was stored must still be understood with what came now
    MODES[transaction.transType].machine({ ...transaction, customData }, stored.branches.length, settings);
    const now = clock.now();
    const options = { ...transaction.options, ...optionsOf(request) };
    const nextCronInterval = baseInterval(options, settings);
    const concurrent = request.concurrent ?? transaction.concurrent;
    const changes = {
      status: 'submitted',
      options,
      concurrent,
      customData,
      nextCronInterval,
      updateTime: now,
    } as const;
    const submitted = this.#own({ ...transaction, ...changes }, now);
    if (!(await store.update({ status: 'prepared' }, submitted, new Map()))) return this.submit(request);
    const pass = this.#startOwned(await this.#find(request.gid), submitted);
    if (request.waitResult) answerFor((await pass) ?? (await this.#find(request.gid)));
  }

  /** Only the initiator knows how a workflow ended. */
  async #finishWorkflow({ transaction }: TransactionDetails, request: TransactionRequest): Promise<void> {
    checkType(transaction, request);
    const { status, result, rollback_reason: reason } = request.reqExtra ?? {};
    if (status !== 'succeed' && status !== 'failed') {
      throw new DtmArgumentError(
        `req_extra.status of a workflow must be succeed or failed, not ${JSON.stringify(status)}`,
        {
          gid: request.gid,
        },
      );
    }
    // the answer to the first try may have been lost
    if (transaction.status === status) return;
    if (transaction.status !== 'prepared') {
      throw new DtmFailureError(`current status '${transaction.status}', cannot sumbmit.`, { gid: request.gid });
    }
    const now = this.#environment.clock.now();
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
    if (!(await this.#environment.store.update({ status: 'prepared' }, finished, new Map())))
      await this.submit(request);
  }

  async abort(request: Pick<TransactionRequest, 'gid' | 'transType' | 'rollbackReason' | 'waitResult'>): Promise<void> {
    checkGid(request.gid);
    const { clock, store } = this.#environment;
    const stored = await this.#find(request.gid);
    const { transaction } = stored;
    const { status, transType } = transaction;
    const isRolledBack = transType === 'tcc' || transType === 'xa';
    const canAbort = status === 'prepared' || (status === 'aborting' && isRolledBack);
    if ((transType !== 'msg' && !isRolledBack) || transType !== request.transType || !canAbort) {
      throw new DtmFailureError(`trans type: '${transType}' current status '${status}', cannot abort.`, {
        gid: request.gid,
      });
    }
    if (transType === 'msg') return this.#dropMessage(transaction, request);
    const now = clock.now();
    let pass = status === 'aborting' ? this.#runner.current(request.gid) : undefined;
    if (!pass) {
      const rollbackReason = request.rollbackReason || transaction.rollbackReason;
      const aborting = this.#own({ ...transaction, status: 'aborting', rollbackReason, updateTime: now }, now);
      if (!(await store.update({ status }, aborting, new Map()))) return this.abort(request);
      // recovery may have begun with it meanwhile
      pass =
        this.#runner.renew(aborting, transaction.updateTime) ??
        this.#startOwned(await this.#find(request.gid), aborting);
    }
    if (!request.waitResult) return;
    const after = await pass;
    if (after && !isFinal(after.transaction.status)) throw undecided(after);
  }

  /** Nothing was called yet: a prepared message is simply not delivered. */
  async #dropMessage(
    transaction: TransactionRecord,
    request: Pick<TransactionRequest, 'gid' | 'transType' | 'rollbackReason'>,
  ): Promise<void> {
    const now = this.#environment.clock.now();
    const rollbackReason = request.rollbackReason || transaction.rollbackReason;
    const dropped = {
      ...transaction,
      status: 'failed',
      rollbackReason,
      rollbackTime: now,
      updateTime: now,
      owner: undefined,
    } as const;
    if (!(await this.#environment.store.update({ status: 'prepared' }, dropped, new Map()))) await this.abort(request);
  }

  async registerBranch(branch: BranchRegistration): Promise<void> {
    const { store, clock, transport } = this.#environment;
    if (needsTransport(branch)) {
      const transaction = (await store.find(branch.gid))?.transaction;
      if (transaction) assertBranchCallable(transport, branch, transaction.protocol);
    }
    const branches = MODES[branch.transType].register?.(branch, clock.now()) ?? [];
    const result = await store.addBranches(branch.gid, branch.transType, branches);
    if (result === 'duplicate') {
      throw new DtmServerError(`storage: UniqueKeyConflict: branch ${branch.branchId} is registered already`, {
        gid: branch.gid,
      });
    }
    if (result === 'refused') {
      throw new DtmFailureError(`no trans with gid: ${branch.gid} status: prepared found`, { gid: branch.gid });
    }
  }

  async query(gid: string): Promise<TransactionDetails | undefined> {
    // in JavaScript it may be anything that was in a query
    if (typeof gid !== 'string' || gid === '') throw new DtmArgumentError('no gid specified');
    return this.#environment.store.find(gid);
  }

  async all(filter: TransactionFilter = {}): Promise<TransactionPage> {
    for (const name of ['limit', 'createTimeStart', 'createTimeEnd'] as const) {
      const value = filter[name];
      if (value !== undefined && !(Number.isInteger(value) && value >= 0)) {
        throw new DtmArgumentError(`${name} must be a whole number, 0 or more, not ${String(value)}`);
      }
    }
    if ((filter.limit ?? 0) > MAX_PAGE_SIZE) {
      throw new DtmArgumentError(`limit must be at most ${MAX_PAGE_SIZE}; go on with next_position as position`);
    }
    return this.#environment.store.list(filter);
  }

  #check(request: TransactionRequest): void {
    assertRequest(request);
    assertCallable(this.#environment.transport, request);
  }

  async #find(gid: string): Promise<TransactionDetails> {
    const details = await this.#environment.store.find(gid);
    if (!details)
      throw new DtmServerError(`no TransGlobal with gid: ${gid} found; prepare or submit it first`, { gid });
    return details;
  }

  /** Takes the lease, so that nobody else picks the transaction up while its first pass runs. */
  #own(transaction: TransactionRecord, now: number): TransactionRecord {
    const { settings } = this.#environment;
    return {
      ...transaction,
      owner: this.#leases.nextOwner(),
      nextCronTime: leaseTime(transaction.options, settings, now),
    };
  }

  async #process(details: TransactionDetails, waitResult: boolean | undefined): Promise<void> {
    const pass = this.#start(details);
    if (waitResult) answerFor((await pass) ?? (await this.#find(details.transaction.gid)));
  }

  /**
   * Runs a pass over what is stored after the lease was taken: a branch may have been registered since, somebody may have
   * stopped it by force, and another pass of this process may have worked on it and given the lease back.
   */
  #startOwned(details: TransactionDetails, leased: TransactionRecord): Promise<TransactionDetails | undefined> {
    const { owner, status } = details.transaction;
    return owner === leased.owner && status === leased.status ? this.#start(details) : Promise.resolve(details);
  }

  /** Runs a pass whose failure, when nobody waits for it, is reported. */
  #start(details: TransactionDetails): Promise<TransactionDetails | undefined> {
    const { gid } = details.transaction;
    const pass = this.#runner.run(details);
    pass.catch((error: unknown) =>
      this.#environment.logger.error('transaction could not be processed', { gid, error: String(error) }),
    );
    return pass;
  }

  /** Waits for the pass under way; a transaction that waits for its next try is answered for as it is. */
  async #current(stored: TransactionDetails): Promise<TransactionDetails> {
    const { gid } = stored.transaction;
    return (await this.#runner.current(gid)) ?? this.#find(gid);
  }
}

function noTopics(): readonly string[] {
  return [];
}

function checkType(transaction: TransactionRecord, request: TransactionRequest): void {
  if (transaction.transType === request.transType) return;
  throw new DtmFailureError(
    `gid ${request.gid} is in use by a ${transaction.transType}, it cannot be a ${request.transType} as well`,
    {
      gid: request.gid,
    },
  );
}

/** The answer to an initiator that waits: nothing for success, an error otherwise. */
function answerFor(details: TransactionDetails): void {
  const { gid, status, rollbackReason } = details.transaction;
  if (status === 'succeed') return;
  if (status === 'failed' || status === 'aborting') throw new DtmFailureError(rollbackReason ?? 'rolled back', { gid });
  throw undecided(details);
}

function undecided({ transaction, branches }: TransactionDetails): DtmOngoingError {
  const lastError = branches.findLast((branch) => branch.status === 'prepared' && branch.lastError)?.lastError;
  const why = lastError ? `: ${lastError}` : '';
  return new DtmOngoingError(`transaction ${transaction.gid} is ${transaction.status}${why}`, { gid: transaction.gid });
}
