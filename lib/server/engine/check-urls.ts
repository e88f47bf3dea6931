import { checkHttpUrl } from '../../protocol/index.js';

/**
 * Checks the URLs of a branch; an empty one means that there is nothing to call.
 *
 * @param urls - by operation
 * @throws DtmArgumentError naming the operation
 */
export function checkBranchUrls(urls: Readonly<Record<string, string | undefined>>): void {
  for (const [op, url] of Object.entries(urls)) if (url) checkHttpUrl(url, op);
}
