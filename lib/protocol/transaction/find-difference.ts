import { stepBranchId } from '../branch/branch-id.js';
import { payloadBytes, type Payload } from '../payload.js';
import { TOPIC_SCHEME } from './topic-url.js';
import type { BranchRecord } from './transaction-record.js';
import type { TransactionRequest } from './transaction-request.js';

/**
 * Finds where a repeated prepare or submit differs from what is stored: the gid was given to another transaction. A request
 * without steps differs in nothing: a submit after a prepare need not carry them again. See docs/protocol.md#calls-by-state.
 *
 * @param request - what the initiator sent
 * @param branches - as stored
 * @returns what differs, as a noun phrase; undefined when nothing does
 */
export function findDifference(request: TransactionRequest, branches: readonly BranchRecord[]): string | undefined {
  const { transType, steps = [], payloads = [] } = request;
  if (steps.length === 0 || (transType !== 'saga' && transType !== 'msg')) return undefined;
  let row = 0;
  for (const [index, { action, compensate = '' }] of steps.entries()) {
    const id = stepBranchId(index + 1);
    const rows: BranchRecord[] = [];
    for (; row < branches.length && isOfStep(branches[row]!, id); row++) rows.push(branches[row]!);
    const step = `step ${index + 1}`;
    if (rows.length === 0) return `${step}, which is not stored`;
    for (const stored of rows) {
      const url = stored.op === 'compensate' ? compensate : action;
      // the subscribers of a topic may have changed since
      if (stored.url !== url && !url.startsWith(TOPIC_SCHEME)) return `the URL of the ${stored.op} of ${step}`;
      if (!isSame(stored.payload, payloads[index] ?? '')) return `the payload of ${step}`;
    }
  }
  if (row === branches.length) return undefined;
  const stored = new Set(branches.map(({ branchId }) => branchId.split('-')[0])).size;
  return `the number of steps (${steps.length} sent, ${stored} stored)`;
}

function isOfStep({ branchId }: BranchRecord, id: string): boolean {
  return branchId === id || branchId.startsWith(`${id}-`);
}

function isSame(one: Payload, other: Payload): boolean {
  return one === other || Buffer.compare(payloadBytes(one), payloadBytes(other)) === 0;
}
