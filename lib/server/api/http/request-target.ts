/** Path and query of a request. */
export interface RequestTarget {
  /** Path, e.g. `/api/dtmsvr/submit`. */
  readonly path: string;
  /** Query without `?`. */
  readonly search: string;
}

/** Scheme and authority of the absolute form. */
const ABSOLUTE_FORM = /^https?:\/\/[^/?#]*/i;

/**
 * Parses the target of a request line. A client writes the path alone (origin form); a proxy or another client may write
 * the whole URL (absolute form), which RFC 9112, section 3.2.2, requires a server to accept. The host is not compared: the
 * coordinator does not know the names under which it is called.
 */
export function parseRequestTarget(target: string): RequestTarget {
  const local = target.replace(ABSOLUTE_FORM, '');
  const end = local.includes('?') ? local.indexOf('?') : local.length;
  return { path: local.slice(0, end) || '/', search: local.slice(end + 1) };
}
