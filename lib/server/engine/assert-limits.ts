import {
  decodeMsgPlan,
  headerBytes,
  transactionBytes,
  type TransactionDetails,
  type TransactionRequest,
} from '../../protocol/internal.js';
import { limitError, type CoordinatorLimit, type CoordinatorSettings } from '../settings.js';

/**
 * Refuses a request with a time, header or text that exceeds a ceiling of the settings.
 *
 * @param request - decoded request of an initiator
 * @throws DtmArgumentError that names the field and the setting
 */
export function assertRequestLimits(request: TransactionRequest, settings: CoordinatorSettings): void {
  const check = (what: string, value: number | undefined, limit: CoordinatorLimit, unit: string): void => {
    if (value !== undefined && value > settings[limit]) throw limitError(`${what} ${value} ${unit}`, limit, settings);
  };
  check('request_timeout is', request.requestTimeoutSeconds, 'maxRequestTimeoutSeconds', 's');
  for (const seconds of Object.values(request.branchTimeoutSeconds ?? {})) {
    check('one of branch_timeouts is', seconds, 'maxRequestTimeoutSeconds', 's');
  }
  check('timeout_to_fail is', request.timeoutToFailSeconds, 'maxWaitSeconds', 's');
  check('retry_interval is', request.retryIntervalSeconds, 'maxWaitSeconds', 's');
  check('custom_data has', request.customData?.length, 'maxCustomDataBytes', 'bytes');
  check('rollback_reason has', request.rollbackReason?.length, 'maxCustomDataBytes', 'bytes');
  for (const [name, text] of Object.entries(request.reqExtra ?? {})) {
    check(`req_extra.${name} has`, text.length, 'maxCustomDataBytes', 'bytes');
  }
  if (
    request.branchHeaders &&
    headerBytes(request.branchHeaders, settings.maxBranchHeaderBytes) > settings.maxBranchHeaderBytes
  ) {
    throw limitError('branch_headers have too many bytes', 'maxBranchHeaderBytes', settings);
  }
  if (request.transType === 'msg' && request.customData) {
    check('the delay of the msg is', decodeMsgPlan(request.customData).delaySeconds, 'maxWaitSeconds', 's');
  }
}

/**
 * Refuses a transaction with too many branches, before they are created.
 *
 * @param what - the transaction, e.g. `a saga`
 * @param count - number of its branches
 * @throws DtmArgumentError that names the setting
 */
export function assertBranchCount(what: string, count: number, settings: CoordinatorSettings): void {
  if (count > settings.maxBranches) throw limitError(`${what} has ${count} branches`, 'maxBranches', settings);
}

/**
 * Refuses a transaction that is too large as a whole.
 *
 * @throws DtmArgumentError that names the setting
 */
export function assertTransactionSize(
  { transaction, branches }: TransactionDetails,
  settings: CoordinatorSettings,
): void {
  const bytes = transactionBytes(transaction, branches);
  if (bytes <= settings.maxTransactionBytes) return;
  throw limitError(
    `the ${transaction.transType} has ${bytes} bytes in all its branches`,
    'maxTransactionBytes',
    settings,
  );
}
