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
import { assertRequestLimits, assertTransactionSize } from './assert-limits.js';
import { MODES } from './modes.js';
import { baseInterval } from './schedule.js';

/**
 * Checks the fields of a request that do not depend on stored data.
 *
 * @param request - decoded request of an initiator
 * @param settings - settings of the coordinator
 * @throws DtmArgumentError that names the field
 */
export function assertRequest(request: TransactionRequest, settings: CoordinatorSettings): void {
  parseGid(request.gid);
  if (!isTransType(request.transType)) {
    throw new DtmArgumentError(
      `trans_type ${JSON.stringify(request.transType)} is unknown; it must be one of ${TRANS_TYPES.join(', ')}`,
    );
  }
  assertRequestLimits(request, settings);
  assertBranchHeaders(request.branchHeaders);
}

/**
 * Creates the records of a new transaction.
 *
 * @param request - checked by {@link assertRequest}
 * @param status - `prepared` or `submitted`
 * @param settings - settings of the coordinator
 * @param now - UTC milliseconds
 * @param subscribers - looks up the subscribers of topics
 * @throws DtmArgumentError when steps, payloads and custom_data do not match, or the transaction is too large
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
  const details = {
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
      // set from the beginning: a record that gets fields later is slower to copy
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
    branches: MODES[request.transType].branches(request, subscribers, settings),
  };
  assertTransactionSize(details, settings);
  return details;
}

/**
 * Returns the options that a request sets, so that they can be merged into stored options.
 *
 * @param request - decoded request of an initiator
 */
export function optionsOf(request: TransactionRequest): TransactionOptions {
  const {
    waitResult,
    timeoutToFailSeconds,
    requestTimeoutSeconds,
    branchTimeoutSeconds,
    retryIntervalSeconds,
    retryLimit,
    branchHeaders,
  } = request;
  return {
    ...(waitResult !== undefined && { waitResult }),
    ...(timeoutToFailSeconds !== undefined && { timeoutToFailSeconds }),
    ...(requestTimeoutSeconds !== undefined && { requestTimeoutSeconds }),
    ...(branchTimeoutSeconds !== undefined && { branchTimeoutSeconds }),
    ...(retryIntervalSeconds !== undefined && { retryIntervalSeconds }),
    ...(retryLimit !== undefined && { retryLimit }),
    ...(branchHeaders !== undefined && { branchHeaders }),
  };
}
