import { isHttpUrl } from '../../protocol/internal.js';

/** Redirects of one request that are followed. */
const MAX_REDIRECTS = 10;

/** Names of headers that may hold a secret of the server that the request names. */
const SECRET = /auth|cookie|token|secret|password|credential|session|signature|api-?key/i;

/** A redirect. */
export interface Redirect {
  /** Status of the answer, 3xx. */
  readonly status: number;
  /** Where it leads: a whole URL unless that cannot be read. */
  readonly location: string;
}

/**
 * Reads the redirect in an answer.
 *
 * @returns undefined when the answer is no redirect
 */
export function findRedirect(
  from: URL,
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Redirect | undefined {
  const location = headers['location'];
  if (status < 300 || status > 399 || typeof location !== 'string') return undefined;
  return { status, location: URL.canParse(location, from.href) ? new URL(location, from).href : location };
}

/**
 * Says why a redirect is not followed: docs/protocol.md#http-branch-calls.
 *
 * @param from - the URL of the request
 * @param headers - of the request
 * @param count - redirects that were followed before
 * @returns undefined when the redirect may be followed
 */
export function redirectRefusal(
  from: URL,
  { status, location }: Redirect,
  headers: Readonly<Record<string, string>>,
  count: number,
): string | undefined {
  const reason = findReason(from, status, location, headers, count);
  return reason && `status ${status}: ${reason}; use the URL ${location} instead`;
}

function findReason(
  from: URL,
  status: number,
  location: string,
  headers: Readonly<Record<string, string>>,
  count: number,
): string | undefined {
  // the others turn a POST into a GET without its body
  if (status !== 307 && status !== 308) return `redirects with ${status} are not followed`;
  if (!isHttpUrl(location) || !URL.canParse(location)) return 'the redirect leads to no http or https URL';
  if (count >= MAX_REDIRECTS) return `more than ${MAX_REDIRECTS} redirects are not followed`;
  const to = new URL(location);
  if (from.protocol === 'https:' && to.protocol === 'http:') return 'redirects from https to http are not followed';
  const secret = to.origin === from.origin ? undefined : Object.keys(headers).find((name) => SECRET.test(name));
  return secret && `redirects to another server are not followed, because the request has the header ${secret}`;
}
