import {
  DtmFailureError,
  DtmServerError,
  decodeNotExecuted,
  parseGid,
  isFinal,
  type BranchRegistration,
  type TransactionDetails,
  type TransactionRecord,
  type TransactionRequest,
} from '../../protocol/internal.js';
import { assertRequestLimits } from '../engine/assert-limits.js';
import { assertRequest, createTransaction, optionsOf } from '../engine/create-transaction.js';
import { MODES } from '../engine/modes.js';
import { beginPass } from '../engine/pass.js';
import { baseInterval, requestTimeout, scheduleNext } from '../engine/schedule.js';
import type { CoordinatorEnvironment } from '../environment/coordinator-environment.js';
import type { Execution } from '../execution/execution.js';
import { limitError } from '../settings.js';
import { assertBranchCallable, assertCallable, needsTransport } from './assert-callable.js';
import type { HeldBackBranches } from './held-back.js';
import { PassStarter } from './pass-starter.js';
import {
  NOT_FOUND_REMEDY,
  assertPrepared,
  assertSameContent,
  assertResultSucceeded,
  createStored,
  findStored,
  findStoredRecord,
  orUndecided,
  undecidedError,
} from './stored-transaction.js';
import type { Topics } from './topics.js';

/** Fields of a request that `abort` reads. */
export type AbortRequest = Pick<
  TransactionRequest,
  'gid' | 'transType' | 'rollbackReason' | 'waitResult' | 'branchTimeoutSeconds' | 'reqExtra'
>;

/** No action is called before the transaction is submitted. */
const FIRST = { isFirst: true } as const;

/** Pauses in milliseconds while a repeated submit waits for a pass of another coordinator; the pause doubles. */
const FIRST_LOOK_MS = 10;
const LONGEST_PAUSE_MS = 500;

/** Operations of initiators on a transaction of any mode except workflow. */
export class Transactions {
  readonly #environment: CoordinatorEnvironment;
  readonly #execution: Execution;
  readonly #topics: Topics;
  readonly #passes: PassStarter;
  readonly #heldBack: HeldBackBranches;

  constructor(environment: CoordinatorEnvironment, execution: Execution, topics: Topics, heldBack: HeldBackBranches) {
    this.#heldBack = heldBack;
    this.#environment = environment;
    this.#execution = execution;
    this.#topics = topics;
    this.#passes = new PassStarter(environment, execution.leases, execution.runner);
  }

  async prepare(request: TransactionRequest): Promise<void> {
    this.#assertRequest(request);
    const { settings, clock, store, random } = this.#environment;
    const now = clock.now();
    const subscribers = await this.#topics.lookupFor(request);
    const { transaction, branches } = createTransaction(request, 'prepared', settings, now, subscribers);
    const deadline = MODES[transaction.transType].machine(transaction, branches.length, settings).deadline(transaction);
    const schedule = scheduleNext(beginPass({ transaction, branches }), deadline, settings, now, random);
    if (await createStored(store, { transaction: { ...transaction, ...schedule }, branches })) return;
    const stored = await orUndecided(request.gid, this.#find(request.gid));
    assertSameContent(stored, request);
    if (stored.transaction.status !== 'prepared') {
      throw new DtmFailureError(`current status '${stored.transaction.status}', cannot prepare.`, { gid: request.gid });
    }
  }

  async submit(request: TransactionRequest): Promise<void> {
    this.#assertRequest(request);
    const { gid, transType, steps = [] } = request;
    const { settings, clock, store } = this.#environment;
    // skips the lookup: a submitted saga that has steps is almost always new
    const isNew = transType === 'saga' && steps.length > 0;
    const stored = isNew ? undefined : await orUndecided(gid, store.find(gid));
    if (stored) return orUndecided(gid, this.#submitStored(stored, request));

    const now = clock.now();
    const subscribers = await this.#topics.lookupFor(request);
    const fresh = createTransaction(request, 'submitted', settings, now, subscribers);
    const details = { ...fresh, transaction: this.#passes.withLease(fresh.transaction, now) };
    if (await createStored(store, details)) {
      return orUndecided(gid, this.#waitIfAsked(this.#passes.start(details, request.waitResult, FIRST), request));
    }
    return orUndecided(
      gid,
      this.#find(gid).then((found) => this.#submitStored(found, request)),
    );
  }

  /** Steps and payloads of the request are ignored: those of the prepare are stored. */
  async #submitStored(stored: TransactionDetails, request: TransactionRequest): Promise<void> {
    const { clock, settings, store } = this.#environment;
    const { transaction } = stored;
    assertSameContent(stored, request);
    if (transaction.status === 'submitted') {
      // submitting again changes nothing, but it makes the transaction due, and can wait for the result
      const { runner, waker } = this.#execution;
      if (!runner.current(request.gid)) await waker.wake({ gid: request.gid }, 1);
      if (request.waitResult) assertResultSucceeded(this.#heldBack.mark(await this.#awaitDecision(transaction)));
      return;
    }
    assertPrepared(transaction);
    const customData = request.customData ?? transaction.customData;
    // throws when the stored branches do not fit the new custom data
    MODES[transaction.transType].machine({ ...transaction, customData }, stored.branches.length, settings);
    const now = clock.now();
    const options = { ...transaction.options, ...optionsOf(request) };
    const changes = {
      status: 'submitted',
      options,
      concurrent: request.concurrent ?? transaction.concurrent,
      customData,
      nextCronInterval: baseInterval(options, settings),
      updateTime: now,
    } as const;
    const submitted = this.#passes.withLease({ ...transaction, ...changes }, now);
    if (!(await store.update({ status: 'prepared' }, submitted, new Map()))) return this.submit(request);
    return this.#waitIfAsked(
      this.#passes.startIfOwned(await this.#find(request.gid), submitted, request.waitResult, FIRST),
      request,
    );
  }

  async abort(request: AbortRequest): Promise<void> {
    parseGid(request.gid);
    const { gid, transType, rollbackReason, branchTimeoutSeconds } = request;
    assertRequestLimits({ gid, transType, rollbackReason, branchTimeoutSeconds }, this.#environment.settings);
    return orUndecided(request.gid, this.#abort(request));
  }

  async #abort(request: AbortRequest): Promise<void> {
    const { clock, store } = this.#environment;
    const transaction = await findStoredRecord(store, request.gid, NOT_FOUND_REMEDY);
    const { status, transType } = transaction;
    const isTwoPhase = transType === 'tcc' || transType === 'xa';
    const canAbort = status === 'prepared' || (status === 'aborting' && isTwoPhase);
    if ((transType !== 'msg' && !isTwoPhase) || transType !== request.transType || !canAbort) {
      throw new DtmFailureError(`trans type: '${transType}' current status '${status}', cannot abort.`, {
        gid: request.gid,
      });
    }
    if (transType === 'msg') return this.#dropMessage(transaction, request);
    const { runner } = this.#execution;
    const notExecuted = decodeNotExecuted(request.reqExtra);
    const now = clock.now();
    let pass = status === 'aborting' ? runner.current(request.gid) : undefined;
    if (!pass) {
      const rollbackReason = request.rollbackReason || transaction.rollbackReason;
      const { branchTimeoutSeconds } = request;
      const options = branchTimeoutSeconds ? { ...transaction.options, branchTimeoutSeconds } : transaction.options;
      const changes = { status: 'aborting', rollbackReason, options, updateTime: now } as const;
      const aborting = this.#passes.withLease({ ...transaction, ...changes }, now);
      if (!(await store.update({ status }, aborting, new Map()))) return this.#abort(request);
      // recovery may have started a pass meanwhile
      pass =
        runner.renew(aborting, transaction.updateTime) ??
        this.#passes.startIfOwned(await this.#find(request.gid), aborting, request.waitResult, { notExecuted });
    }
    if (!request.waitResult) return;
    const after = await pass;
    if (after && !isFinal(after.transaction.status)) throw undecidedError(this.#heldBack.mark(after));
  }

  /** No branch of a prepared message has been called, so it ends without a rollback. */
  async #dropMessage(transaction: TransactionRecord, request: AbortRequest): Promise<void> {
    const now = this.#environment.clock.now();
    const dropped = {
      ...transaction,
      status: 'failed',
      rollbackReason: request.rollbackReason || transaction.rollbackReason,
      rollbackTime: now,
      updateTime: now,
      owner: undefined,
    } as const;
    if (!(await this.#environment.store.update({ status: 'prepared' }, dropped, new Map()))) await this.#abort(request);
  }

  async registerBranch(branch: BranchRegistration): Promise<void> {
    const { store, clock, transport, settings } = this.#environment;
    const { gid, transType, branchId } = branch;
    if (needsTransport(branch)) {
      const transaction = await store.findRecord(gid);
      if (transaction) assertBranchCallable(transport, branch, transaction.protocol);
    }
    const branches = MODES[transType].register?.(branch, clock.now()) ?? [];
    // a branch has as many records as its registration adds
    const limits = { maxBranches: settings.maxBranches * branches.length, maxBytes: settings.maxTransactionBytes };
    switch (await store.addBranches(gid, transType, branches, limits)) {
      case 'added':
        return;
      case 'duplicate':
        throw new DtmServerError(`storage: UniqueKeyConflict: branch ${branchId} is registered already`, { gid });
      case 'refused':
        throw new DtmFailureError(`no trans with gid: ${gid} status: prepared found`, { gid });
      case 'tooMany':
        throw limitError(`${transType} ${gid} has no room for branch ${branchId}`, 'maxBranches', settings);
      case 'tooLarge':
        throw limitError(`${transType} ${gid} has no room for branch ${branchId}`, 'maxTransactionBytes', settings);
    }
  }

  /**
   * Waits until the passes of this or another coordinator have decided a submitted transaction, or until no attempt is due
   * within its request time-out.
   */
  async #awaitDecision({ gid, options }: TransactionRecord): Promise<TransactionDetails> {
    const { clock, settings, store } = this.#environment;
    const { runner } = this.#execution;
    const until = clock.now() + requestTimeout(options, settings) * 1000;
    for (let pauseMs = FIRST_LOOK_MS; ; pauseMs *= 2) {
      const details = await runner.current(gid);
      const { status, owner, nextCronTime } = details?.transaction ?? (await findStoredRecord(store, gid));
      const isResting = owner === undefined && (status !== 'submitted' || nextCronTime > until);
      if (isResting || clock.now() >= until || runner.isStopping) return details ?? this.#find(gid);
      const pauseEnd = Math.min(clock.now() + Math.min(pauseMs, LONGEST_PAUSE_MS), until);
      if (!runner.current(gid)) await runner.awaitPass(gid, pauseEnd);
    }
  }

  #assertRequest(request: TransactionRequest): void {
    assertRequest(request, this.#environment.settings);
    assertCallable(this.#environment.transport, request);
  }

  #find(gid: string): Promise<TransactionDetails> {
    return findStored(this.#environment.store, gid, NOT_FOUND_REMEDY);
  }

  async #waitIfAsked(
    pass: Promise<TransactionDetails | undefined>,
    { gid, waitResult }: TransactionRequest,
  ): Promise<void> {
    if (waitResult) assertResultSucceeded(this.#heldBack.mark((await pass) ?? (await this.#find(gid))));
  }
}
