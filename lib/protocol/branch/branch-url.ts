import { DtmArgumentError } from '../errors.js';

/**
 * Checks that a branch can be called at a URL at all: with any other it would be retried for ever.
 *
 * @param url - the URL
 * @param what - names it in the message
 * @throws DtmArgumentError when it is not an absolute http or https URL, or holds what parsers drop or move
 */
export function checkHttpUrl(url: string, what: string): void {
  // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
  if (/[\u0000-\u001f\u007f]/.test(url) || url !== url.trim() || !URL.canParse(url)) {
    throw new DtmArgumentError(`${what} ${JSON.stringify(url)} is not a URL`);
  }
  if (!/^https?:/i.test(url)) {
    throw new DtmArgumentError(`${what} ${JSON.stringify(url)}: branches are called over http or https`);
  }
}
