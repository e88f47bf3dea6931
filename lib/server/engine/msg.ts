import {
  DtmArgumentError,
  TOPIC_SCHEME,
  decodeMsgPlan,
  stepBranchId,
  type BranchRecord,
  type Protocol,
  type TransactionRecord,
} from '../../protocol/internal.js';
import { assertBranchUrls } from './assert-branch-urls.js';
import type { Mode, TopicLookup } from './mode.js';
import { INITIATOR, WAIT, callOnce, isCallable, timeoutTime, type Decision, type Machine, type Pass } from './pass.js';
import { assertBranchCount } from './assert-limits.js';
import { assertSteps, payloadOf } from './assert-steps.js';

/**
 * Two-phase message (docs/protocol.md#message): prepared while the local transaction of the initiator runs, then
 * delivered to every step until each has succeeded.
 */
export const msg: Mode = {
  branches(request, subscribers, settings) {
    assertSteps(request, settings);
    decodeMsgPlan(request.customData);
    assertBranchUrls({ query_prepared: request.queryPrepared }, request.protocol);
    const targets = (request.steps ?? []).map(({ action }) => targetsOf(action, request.protocol, subscribers));
    assertBranchCount(
      'a msg',
      targets.reduce((count, { length }) => count + length, 0),
      settings,
    );
    return targets.flatMap((urls, index) => {
      const payload = payloadOf(request, index);
      return urls.map((url, target): BranchRecord => {
        const id = stepBranchId(index + 1);
        const branchId = urls.length === 1 ? id : `${id}-${stepBranchId(target + 1)}`;
        return { branchId, op: 'action', url, payload, status: 'prepared' };
      });
    });
  },
  machine: (transaction, _branchCount, settings) => {
    const { delaySeconds } = decodeMsgPlan(transaction.customData);
    return new MsgMachine(delaySeconds, settings.timeoutToFailSeconds);
  },
};

class MsgMachine implements Machine {
  readonly #delaySeconds: number;
  readonly #defaultTimeoutSeconds: number;
  /** Branches before this one have succeeded, which does not change. */
  #firstOpen = 0;

  constructor(delaySeconds: number, defaultTimeoutSeconds: number) {
    this.#delaySeconds = delaySeconds;
    this.#defaultTimeoutSeconds = defaultTimeoutSeconds;
  }

  initiator(transaction: TransactionRecord): BranchRecord {
    return { branchId: '00', op: 'msg', url: transaction.queryPrepared ?? '', payload: '', status: 'prepared' };
  }

  deadline(transaction: TransactionRecord): number | undefined {
    if (transaction.status === 'prepared') return this.#checkBackTime(transaction);
    return transaction.status === 'submitted' ? this.#deliveryTime(transaction) : undefined;
  }

  decide(pass: Pass, now: number): Decision {
    const { transaction, initiator } = pass;
    if (transaction.status === 'prepared') {
      if (initiator?.kind === 'success') return { kind: 'change', status: 'submitted' };
      if (initiator?.kind === 'failure') return { kind: 'change', status: 'failed', reason: initiator.message };
      // without a query URL it is unknown whether the local transaction committed: neither deliver nor drop the message
      if (!transaction.queryPrepared || now < this.#checkBackTime(transaction)) return WAIT;
      return callOnce(pass, INITIATOR);
    }
    if (transaction.status !== 'submitted' || now < this.#deliveryTime(transaction)) return WAIT;
    while (pass.branches[this.#firstOpen]?.status === 'succeed') this.#firstOpen += 1;
    const first = this.#firstOpen;
    if (first >= pass.branches.length) return { kind: 'change', status: 'succeed' };
    if (!transaction.concurrent) return callOnce(pass, first);
    return { kind: 'call', branches: [...pass.branches.keys()].filter((index) => isCallable(pass, index)) };
  }

  #checkBackTime(transaction: TransactionRecord): number {
    const seconds = transaction.options.timeoutToFailSeconds || this.#defaultTimeoutSeconds;
    return timeoutTime(transaction, seconds)!;
  }

  #deliveryTime(transaction: TransactionRecord): number {
    return transaction.createTime + this.#delaySeconds * 1000;
  }
}

function targetsOf(action: string, protocol: Protocol | undefined, subscribers: TopicLookup): readonly string[] {
  if (!action.startsWith(TOPIC_SCHEME)) {
    assertBranchUrls({ action }, protocol);
    return [action];
  }
  const urls = subscribers(action.slice(TOPIC_SCHEME.length));
  if (urls.length === 0) {
    throw new DtmArgumentError(`topic not found: ${action.slice(TOPIC_SCHEME.length)}; subscribe to it first`);
  }
  return urls;
}
