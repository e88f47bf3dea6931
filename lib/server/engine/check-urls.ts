import { checkBranchUrl, checkHttpUrl, type Protocol } from '../../protocol/index.js';

/**
 * Checks the URLs of a branch; an empty one means that there is nothing to call.
 *
 * @param urls - by operation
 * @param protocol - of the transaction; only one with grpc may have gRPC branches, and HTTP ones beside them
 * @throws DtmArgumentError naming the operation
 */
export function checkBranchUrls(urls: Readonly<Record<string, string | undefined>>, protocol?: Protocol): void {
  const check = protocol === 'grpc' ? checkBranchUrl : checkHttpUrl;
  for (const [op, url] of Object.entries(urls)) if (url) check(url, op);
}
