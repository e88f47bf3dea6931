import { DtmArgumentError, checkBranchHeaders, checkGid, type TransactionOptions } from '../protocol/index.js';

/** Options of a global transaction that every mode takes. */
export interface GlobalOptions extends TransactionOptions {
  /** Own global id, unique for ever, e.g. derived from an order number. @default a new one from the coordinator */
  readonly gid?: string | undefined;
}

/**
 * Checks the options of a transaction before anything is sent.
 *
 * @param options - as the user gave them
 * @throws DtmArgumentError naming the option
 */
export function checkOptions(options: GlobalOptions): void {
  if (options.gid !== undefined) checkGid(options.gid);
  for (const name of ['timeoutToFailSeconds', 'requestTimeoutSeconds', 'retryIntervalSeconds', 'retryLimit'] as const) {
    const value = options[name];
    if (value !== undefined && (!Number.isInteger(value) || value < 0)) {
      throw new DtmArgumentError(`${name} must be a whole number, 0 or more, not ${String(value)}`);
    }
  }
  checkBranchHeaders(options.branchHeaders);
}
