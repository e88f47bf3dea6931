import { DtmArgumentError, type Payload, type TransactionRequest } from '../../protocol/internal.js';

/** Most steps of a transaction: with many more, looking for the next one would keep the process from everything else. */
const MAX_STEPS = 10_000;

/**
 * Checks that a transaction has a payload for each of its steps.
 *
 * @param request - what the initiator sent
 * @throws DtmArgumentError when payloads are missing, or there are more than 10,000 steps
 */
export function assertSteps({ transType, steps = [], payloads = [] }: TransactionRequest): void {
  if (steps.length > MAX_STEPS) {
    throw new DtmArgumentError(`a ${transType} has at most ${MAX_STEPS} steps, not ${steps.length}`);
  }
  if (payloads.length < steps.length) {
    throw new DtmArgumentError(
      `a ${transType} with ${steps.length} steps needs as many payloads, it has ${payloads.length}`,
    );
  }
}

/**
 * Payload of a step.
 *
 * @param request - what the initiator sent
 * @param step - index from 0
 */
export function payloadOf(request: TransactionRequest, step: number): Payload {
  return request.payloads?.[step] ?? '';
}
