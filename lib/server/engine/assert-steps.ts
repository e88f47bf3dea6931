import { DtmArgumentError, type Payload, type TransactionRequest } from '../../protocol/internal.js';
import type { CoordinatorSettings } from '../settings.js';
import { assertBranchCount } from './assert-limits.js';

/**
 * Checks that a transaction has a payload for each step.
 *
 * @param request - decoded request of the initiator
 * @throws DtmArgumentError when payloads are missing or there are too many steps
 */
export function assertSteps(
  { transType, steps = [], payloads = [] }: TransactionRequest,
  settings: CoordinatorSettings,
): void {
  assertBranchCount(`a ${transType}`, steps.length, settings);
  if (payloads.length < steps.length) {
    throw new DtmArgumentError(
      `a ${transType} with ${steps.length} steps has ${payloads.length} payloads; send one payload for each step`,
    );
  }
}

/**
 * Returns the payload of a step; empty when there is none.
 *
 * @param request - decoded request of the initiator
 * @param step - index from 0
 */
export function payloadOf(request: TransactionRequest, step: number): Payload {
  return request.payloads?.[step] ?? '';
}
