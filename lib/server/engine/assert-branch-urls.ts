import { assertBranchUrl, type Protocol } from '../../protocol/internal.js';

/**
 * Checks the URLs of a branch. An empty URL is valid: there is nothing to call.
 *
 * @param urls - URL by operation
 * @param protocol - protocol of the transaction
 * @throws DtmArgumentError that names the operation
 */
export function assertBranchUrls(urls: Readonly<Record<string, string | undefined>>, protocol?: Protocol): void {
  for (const [op, url] of Object.entries(urls)) if (url) assertBranchUrl(url, op, protocol);
}
