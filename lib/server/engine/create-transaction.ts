import {
  DtmArgumentError,
  TRANS_TYPES,
  assertBranchHeaders,
  parseGid,
  isTransType,
  type GlobalStatus,
  type TransactionDetails,
  type TransactionOptions,
  type TransactionRequest,
} from '../../protocol/internal.js';
import type { CoordinatorSettings } from '../settings.js';
import type { TopicLookup } from './mode.js';
import { MODES } from './modes.js';
import { baseInterval } from './schedule.js';

/**
 * Checks what an initiator sent, as far as it can be checked without looking at what is stored.
 *
 * @param request - as decoded from the network
 * @throws DtmArgumentError naming the field
 */
export function assertRequest(request: TransactionRequest): void {
  parseGid(request.gid);
  if (!isTransType(request.transType)) {
    throw new DtmArgumentError(
      `trans_type ${JSON.stringify(request.transType)} is unknown; it must be one of ${TRANS_TYPES.join(', ')}`,
    );
  }
  assertBranchHeaders(request.branchHeaders);
}

/**
 * Makes the records of a new transaction.
 *
 * @param request - checked by {@link assertRequest}
 * @param status - `prepared` or `submitted`
 * @param settings - of the coordinator
 * @param now - UTC milliseconds
 * @param subscribers - of topics
 * @throws DtmArgumentError when steps, payloads or custom_data do not fit together
 */
export function createTransaction(
  request: TransactionRequest,
  status: GlobalStatus,
  settings: CoordinatorSettings,
  now: number,
  subscribers: TopicLookup,
): TransactionDetails {
  const options = optionsOf(request);
  const interval = baseInterval(options, settings);
  return {
    transaction: {
      gid: request.gid,
      transType: request.transType,
      status,
      protocol: request.protocol ?? 'http',
      options,
      queryPrepared: request.queryPrepared,
      customData: request.customData,
      createTime: now,
      updateTime: now,
      // there from the beginning, for a record that grows later is slower to copy
      finishTime: undefined,
      rollbackTime: undefined,
      rollbackReason: undefined,
      result: undefined,
      nextCronInterval: interval,
      nextCronTime: now + interval * 1000,
      owner: undefined,
      concurrent: request.concurrent,
      retryCount: request.retryCount,
      attention: undefined,
    },
    branches: MODES[request.transType].branches(request, subscribers),
  };
}

/**
 * The options of a request alone; those that are not set are left out, so that they can be laid over others.
 *
 * @param request - what an initiator sent
 */
export function optionsOf(request: TransactionRequest): TransactionOptions {
  const { waitResult, timeoutToFailSeconds, requestTimeoutSeconds, retryIntervalSeconds, retryLimit, branchHeaders } =
    request;
  return {
    ...(waitResult !== undefined && { waitResult }),
    ...(timeoutToFailSeconds !== undefined && { timeoutToFailSeconds }),
    ...(requestTimeoutSeconds !== undefined && { requestTimeoutSeconds }),
    ...(retryIntervalSeconds !== undefined && { retryIntervalSeconds }),
    ...(retryLimit !== undefined && { retryLimit }),
    ...(branchHeaders !== undefined && { branchHeaders }),
  };
}
