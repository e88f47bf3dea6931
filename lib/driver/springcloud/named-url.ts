import { DtmArgumentError } from '../../protocol/internal.js';
import { redactUrls } from '../../support/redact-urls.js';
import type { HttpUrlRole } from '../support/lookup/http-resolver/http-name-resolver.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';

/** A URL with the name of a service in place of a host. */
export interface NamedUrl {
  /** The scheme in lower case. */
  readonly scheme: string;
  /** Name of the service. */
  readonly service: string;
  /** Group in Nacos. @default the group of the registry */
  readonly group?: string | undefined;
  /** Clusters in Nacos; empty when the URL names none. */
  readonly clusters: readonly string[];
  /** Path and query as they were written, without the options of the lookup: a branch of the Java client refuses them. */
  readonly rest: string;
}

const PARTS = /^([a-z][a-z\d+.-]*):\/\/([^/?#]*)([^#]*)(?:#.*)?$/is;

/** Parameters for the lookup. */
const LOOKUP_OPTIONS: ReadonlySet<string> = new Set(['group', 'groupName', 'clusters']);

/** Schemes of gRPC and of this package's own gRPC addresses, which are not followed by a name. */
const GRPC_SCHEMES: ReadonlySet<string> = new Set(['grpc', 'grpcs', 'dns', 'unix', 'ipv4', 'ipv6', 'xds']);

/** A host without a dot and a port that is not a number. */
const BARE_NAME = /^(?=.*[a-z])(?!localhost$)[\w-]+$/i;

/**
 * Whether a URL holds the name of a service. As in Go dtm, a URL of any scheme except http and https does. As in the
 * Java client, the `http://` URL of a coordinator does when its host has neither dot nor port and is not `localhost`.
 */
export function isNamedUrl(url: string, role: HttpUrlRole): boolean {
  const [, scheme, host = ''] = PARTS.exec(url) ?? [];
  if (scheme === undefined) return false;
  return isHttpScheme(scheme)
    ? role === 'coordinator' && BARE_NAME.test(host)
    : !GRPC_SCHEMES.has(scheme.toLowerCase());
}

/** Whether a scheme is `http` or `https`, in any case. */
export function isHttpScheme(scheme: string): boolean {
  return /^https?$/i.test(scheme);
}

/**
 * Parses a URL with the name of a service. Its query may name the place in Nacos: `group`, which dtm reads, or `groupName`, which
 * the Java client writes, and `clusters`, which may be repeated.
 *
 * @param url - a URL for which {@link isNamedUrl} is true
 * @throws DtmArgumentError with the reason
 */
export function parseNamedUrl(url: string): NamedUrl {
  const refusal = (why: string): DtmArgumentError =>
    new DtmArgumentError(`branch URL '${redactUrls(url)}' is invalid: ${why}`);
  const [, scheme = '', host = '', rest = ''] = PARTS.exec(url) ?? [];
  if (!/^[!-~]+$/.test(url)) throw refusal('expected printable ASCII; encode other characters with %');
  if (/[:@]/.test(host)) {
    throw refusal(
      `expected the name of a service after ${scheme}://, without a port and a user; an address begins with http://`,
    );
  }
  const [path = '', search] = rest.split(/\?(.*)/s);
  const query = new URLSearchParams(search);
  const group = query.get('group') || query.get('groupName') || undefined;
  const clusters = query.getAll('clusters').flatMap((value) => value.split(',').filter(Boolean));
  if (group !== undefined) parseServiceName(group, 'a group');
  for (const cluster of clusters) parseServiceName(cluster, 'a cluster');
  return {
    scheme: scheme.toLowerCase(),
    service: parseServiceName(host),
    group,
    clusters,
    rest: path + withoutLookupOptions(search),
  };
}

function withoutLookupOptions(search: string | undefined): string {
  if (search === undefined) return '';
  const others = search.split('&').filter((part) => {
    const [name = ''] = new URLSearchParams(part).keys();
    return !LOOKUP_OPTIONS.has(name);
  });
  return others.length === 0 ? '' : `?${others.join('&')}`;
}
