import {
  DtmArgumentError,
  checkBranchHeaders,
  checkGid,
  checkHttpUrl,
  decodeSagaPlan,
  isTransType,
  type BranchRecord,
  type GlobalStatus,
  type TransactionDetails,
  type TransactionOptions,
  type TransactionRequest,
} from '../../protocol/index.js';
import type { CoordinatorSettings } from '../settings.js';
import { sagaBranches } from './saga.js';
import { baseInterval } from './schedule.js';

/** Modes that this coordinator runs. */
const SERVED = ['saga', 'tcc'] as const;

/** Most steps of a saga: with many more, looking for the next one would keep the process from everything else. */
const MAX_STEPS = 10_000;

/**
 * Checks what an initiator sent, as far as it can be checked without looking at what is stored.
 *
 * @param request - as decoded from the network
 * @throws DtmArgumentError naming the field
 */
export function checkRequest(request: TransactionRequest): void {
  checkGid(request.gid);
  if (!(SERVED as readonly string[]).includes(request.transType)) {
    const known = isTransType(request.transType) ? 'is not served by this coordinator' : 'is unknown';
    throw new DtmArgumentError(
      `trans_type ${JSON.stringify(request.transType)} ${known}; it serves ${SERVED.join(' and ')}`,
    );
  }
  if (request.protocol !== undefined && request.protocol !== 'http') {
    throw new DtmArgumentError(
      `protocol ${request.protocol} is not served by this coordinator; it calls branches over http`,
    );
  }
  checkBranchHeaders(request.branchHeaders);
}

/**
 * Checks the URLs of a branch; an empty one means that there is nothing to call.
 *
 * @param urls - by operation
 * @throws DtmArgumentError naming the operation
 */
export function checkUrls(urls: Readonly<Record<string, string | undefined>>): void {
  for (const [op, url] of Object.entries(urls)) if (url) checkHttpUrl(url, op);
}

/**
 * Makes the records of a new transaction.
 *
 * @param request - checked by {@link checkRequest}
 * @param status - `prepared` or `submitted`
 * @param settings - of the coordinator
 * @param now - UTC milliseconds
 * @throws DtmArgumentError when steps, payloads or custom_data do not fit together
 */
export function createTransaction(
  request: TransactionRequest,
  status: GlobalStatus,
  settings: CoordinatorSettings,
  now: number,
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
      nextCronInterval: interval,
      nextCronTime: now + interval * 1000,
      retryCount: request.retryCount,
    },
    branches: branchesOf(request),
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
  const options = {
    waitResult,
    timeoutToFailSeconds,
    requestTimeoutSeconds,
    retryIntervalSeconds,
    retryLimit,
    branchHeaders,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function branchesOf(request: TransactionRequest): BranchRecord[] {
  if (request.transType !== 'saga') return [];
  const { steps = [], payloads = [], customData } = request;
  if (steps.length > MAX_STEPS)
    throw new DtmArgumentError(`a saga has at most ${MAX_STEPS} steps, not ${steps.length}`);
  for (const { action, compensate } of steps) checkUrls({ action, compensate });
  if (payloads.length < steps.length) {
    throw new DtmArgumentError(`a saga with ${steps.length} steps needs as many payloads, it has ${payloads.length}`);
  }
  decodeSagaPlan(customData, steps.length);
  return sagaBranches(steps, payloads);
}
