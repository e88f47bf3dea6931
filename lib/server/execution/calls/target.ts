import { isHttpUrl } from '../../../protocol/internal.js';
import { leadsTo } from '../../store/targets.js';

/** Scheme and host; some drivers use `protocol1:///host:port/…`. */
const HOST = /^(?:[a-z][a-z\d+.-]*:\/\/\/?)?[^/?#]*/i;

/**
 * The target of a branch URL: its beginning with scheme, host and port. The path of a registry URL
 * (`etcd://registry/service/pkg.Service/Method`) names the service, so the target contains it.
 *
 * @param url - branch URL
 * @param isOverHttp - the branch is called over HTTP, so that the rest of the URL is a path
 */
export function targetOf(url: string, isOverHttp: boolean = isHttpUrl(url)): string {
  const host = HOST.exec(url)![0];
  if (isOverHttp || !url.includes('://')) return host;
  // the last two segments are the gRPC method
  const end = url.lastIndexOf('/', url.lastIndexOf('/') - 1);
  return end > host.length ? url.slice(0, end) : host;
}

/**
 * Whether one of two beginnings of URLs leads to the other: `http://bank` and `http://bank/a` do, `http://bank:80` and
 * `http://bank:8080` do not.
 */
export function isSameTarget(one: string, other: string): boolean {
  return one.length < other.length ? leadsTo(other, one) : leadsTo(one, other);
}
