import { DtmArgumentError, type Payload, type TransactionRequest } from '../../protocol/internal.js';

/** Maximum number of steps of a transaction: more would block the event loop for too long. */
const MAX_STEPS = 10_000;

/**
 * Checks that a transaction has a payload for each step.
 *
 * @param request - decoded request of the initiator
 * @throws DtmArgumentError when payloads are missing or there are more than 10,000 steps
 */
export function assertSteps({ transType, steps = [], payloads = [] }: TransactionRequest): void {
  if (steps.length > MAX_STEPS) {
    throw new DtmArgumentError(`a ${transType} has at most ${MAX_STEPS} steps, not ${steps.length}`);
  }
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
