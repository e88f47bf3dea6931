import { isHttpUrl } from '../../../protocol/internal.js';

/** Scheme and host; drivers write `protocol1:///host:port/…`, too. */
const HOST = /^(?:[a-z][a-z\d+.-]*:\/\/\/?)?[^/?#]*/i;

/**
 * The server that a branch URL leads to, as it begins the URL: scheme, host and port. What stands behind the host of
 * a registry (`etcd://registry/service/pkg.Service/Method`) names the service, and belongs to it.
 *
 * @param url - branch URL
 * @param overHttp - it is called over HTTP: what stands behind its host or name is a path
 */
export function targetOf(url: string, overHttp: boolean = isHttpUrl(url)): string {
  const host = HOST.exec(url)![0];
  if (overHttp || !url.includes('://')) return host;
  // the last two parts are the method
  const end = url.lastIndexOf('/', url.lastIndexOf('/') - 1);
  return end > host.length ? url.slice(0, end) : host;
}

/**
 * Whether one of two beginnings of URLs leads to what the other names: `http://bank` and `http://bank/a` do,
 * `http://bank:80` and `http://bank:8080` do not.
 *
 * @param one - target or beginning of URLs
 * @param other - target or beginning of URLs
 */
export function isSameTarget(one: string, other: string): boolean {
  const [short, long] = one.length < other.length ? [one, other] : [other, one];
  if (!long.startsWith(short)) return false;
  return short.endsWith('/') || long.length === short.length || '/?#'.includes(long[short.length]!);
}
