import { assertBranchUrl, type Protocol } from '../../protocol/internal.js';

/**
 * Checks the URLs of a branch; an empty one means that there is nothing to call.
 *
 * @param urls - by operation
 * @param protocol - of the transaction
 * @throws DtmArgumentError naming the operation
 */
export function assertBranchUrls(urls: Readonly<Record<string, string | undefined>>, protocol?: Protocol): void {
  for (const [op, url] of Object.entries(urls)) if (url) assertBranchUrl(url, op, protocol);
}
