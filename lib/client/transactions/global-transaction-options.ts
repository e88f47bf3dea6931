import {
  DtmArgumentError,
  TOPIC_SCHEME,
  checkBranchHeaders,
  checkGid,
  type DtmApi,
  type Protocol,
  type TransactionOptions,
} from '../../protocol/internal.js';
import { isOverHttp, type Transport } from '../../transport/index.js';

/** Options of a global transaction that every mode takes. */
export interface GlobalTransactionOptions extends TransactionOptions {
  /** Own global id, unique for ever, e.g. derived from an order number. @default a new one from the coordinator */
  readonly gid?: string | undefined;
  /**
   * How the coordinator calls the branches: `grpc` ones may have HTTP URLs beside those of gRPC, `json-rpc` ones are
   * called by JSON-RPC where the URL has a parameter `method`, plainly otherwise.
   *
   * @default `grpc` when a URL that is known from the beginning is one of gRPC, otherwise that of the coordinator's API
   */
  readonly protocol?: Protocol | undefined;
}

/**
 * Checks the options of a transaction before anything is sent.
 *
 * @param options - as the user gave them
 * @throws DtmArgumentError naming the option
 */
export function checkOptions(options: GlobalTransactionOptions): void {
  if (options.gid !== undefined) checkGid(options.gid);
  for (const name of ['timeoutToFailSeconds', 'requestTimeoutSeconds', 'retryIntervalSeconds', 'retryLimit'] as const) {
    const value = options[name];
    if (value !== undefined && (!Number.isInteger(value) || value < 0)) {
      throw new DtmArgumentError(`${name} must be a whole number, 0 or more, not ${String(value)}`);
    }
  }
  const { protocol } = options;
  if (protocol !== undefined && protocol !== 'http' && protocol !== 'grpc' && protocol !== 'json-rpc') {
    throw new DtmArgumentError(`protocol must be http, grpc or json-rpc, not ${JSON.stringify(protocol)}`);
  }
  checkBranchHeaders(options.branchHeaders);
}

/**
 * How the branches of a transaction are called.
 *
 * @param api - the coordinator
 * @param options - as the user gave them
 * @param urls - of branches, as far as they are known; empty ones are not called
 * @param transport - calls branches. @default one that knows nothing of names
 * @returns undefined for plain HTTP, which needs no mention
 */
export function protocolFor(
  api: DtmApi,
  options: GlobalTransactionOptions,
  urls: readonly string[] = [],
  transport?: Pick<Transport, 'isOverHttp'>,
): Protocol | undefined {
  const isGrpc = (url: string): boolean => url !== '' && !url.startsWith(TOPIC_SCHEME) && !isOverHttp(url, transport);
  const protocol = options.protocol ?? (urls.some(isGrpc) ? 'grpc' : api.protocol);
  return protocol === 'http' ? undefined : protocol;
}
