import {
  TOPIC_SCHEME,
  assertBranchHeaders,
  assertWholeNumber,
  parseGid,
  parseProtocol,
  type DtmApi,
  type Protocol,
  type TransactionOptions,
} from '../../protocol/internal.js';
import { isOverHttp, type Transport } from '../../transport/index.js';

/** Options of a global transaction, in every mode. */
export interface GlobalTransactionOptions extends TransactionOptions {
  /** Global id that you choose, for example from an order number. It must never be used twice. @default a new one from the coordinator */
  readonly gid?: string | undefined;
  /**
   * How the coordinator calls the branches. With `grpc`, branches can have URLs of gRPC and of HTTP. With `json-rpc`, a
   * branch is called by JSON-RPC when its URL has the parameter `method`, and by plain HTTP otherwise.
   *
   * @default `grpc` when a URL known at the start is one of gRPC, otherwise the protocol of the coordinator's API
   */
  readonly protocol?: Protocol | undefined;
}

/**
 * Refuses options that are not allowed, before anything is sent.
 *
 * @throws DtmArgumentError naming the option
 */
export function assertOptions(options: GlobalTransactionOptions): void {
  if (options.gid !== undefined) parseGid(options.gid);
  for (const name of ['timeoutToFailSeconds', 'requestTimeoutSeconds', 'retryIntervalSeconds', 'retryLimit'] as const) {
    assertWholeNumber(name, options[name]);
  }
  for (const [url, seconds] of Object.entries(options.branchTimeoutSeconds ?? {})) {
    assertWholeNumber(`branchTimeoutSeconds of ${JSON.stringify(url)}`, seconds);
  }
  if (options.protocol !== undefined) parseProtocol(options.protocol);
  assertBranchHeaders(options.branchHeaders);
}

/**
 * Decides how the branches of a transaction are called.
 *
 * @param urls - of branches, as far as they are known; empty URLs are not called
 * @param transport - calls branches. @default no names of services are known
 * @returns undefined for plain HTTP, the default of the wire
 */
export function resolveProtocol(
  api: DtmApi,
  options: GlobalTransactionOptions,
  urls: readonly string[] = [],
  transport?: Pick<Transport, 'isOverHttp'>,
): Protocol | undefined {
  const isGrpc = (url: string): boolean => url !== '' && !url.startsWith(TOPIC_SCHEME) && !isOverHttp(url, transport);
  const protocol = options.protocol ?? (urls.some(isGrpc) ? 'grpc' : api.protocol);
  return protocol === 'http' ? undefined : protocol;
}
