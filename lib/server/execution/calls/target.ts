import { isHttpUrl } from '../../../protocol/internal.js';
import { pathKind } from '../../../support/path-kind.js';
import { leadsTo } from '../../store/wake-rules.js';

/** Where a branch call leads. */
export interface Target {
  /** Scheme, host and port, or the service name: what is down when it refuses connections. */
  readonly origin: string;
  /** The origin and the path, or the gRPC method: what may hang while other paths answer. */
  readonly path: string;
  /** The path without ids, for calls over HTTP: paths of one kind share the slots of recovery. */
  readonly kind: string;
}

/** Longest origin, and longest path below it, in characters that are told apart, because a URL can be very long. */
const MAX_LENGTH = 1000;

/** Scheme and host; some drivers use `protocol1:///host:port/…`. */
const HOST = /^(?:[a-z][a-z\d+.-]*:\/\/\/?)?[^/?#]*/i;

/**
 * The target of a branch URL.
 *
 * @param url - branch URL
 * @param isOverHttp - the branch is called over HTTP, so that the rest of the URL is a path
 * @param kindOf - finds the ids in a path. @default segments with a digit
 */
export function targetOf(
  url: string,
  isOverHttp: boolean = isHttpUrl(url),
  kindOf: (path: string, origin: string) => string = pathKind,
): Target {
  const origin = originOf(url, isOverHttp).slice(0, MAX_LENGTH);
  const length = url.slice(origin.length).search(/[?#]/);
  const path = limited(length < 0 ? url : url.slice(0, origin.length + length), origin.length);
  return { origin, path, kind: isOverHttp ? origin + kindOf(path.slice(origin.length), origin) : path };
}

/** The path up to the end of a segment, so that it is still a beginning of URLs. */
function limited(path: string, originLength: number): string {
  if (path.length - originLength <= MAX_LENGTH) return path;
  return path.slice(0, Math.max(originLength, path.lastIndexOf('/', originLength + MAX_LENGTH)));
}

/**
 * The beginning of a branch URL with scheme, host and port. The path of a registry URL
 * (`etcd://registry/service/pkg.Service/Method`) names the service, so the origin contains it.
 */
function originOf(url: string, isOverHttp: boolean): string {
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
