import { DtmArgumentError } from '../../protocol/internal.js';
import { redactUrls } from '../../support/redact-urls.js';
import type { HttpUrlRole } from '../support/lookup/http-resolver/http-name-resolver.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';

/** A URL with the name of a service in place of a host. */
export interface NamedUrl {
  /** In lower case. */
  readonly scheme: string;
  /** Name of the service. */
  readonly service: string;
  /** Group in Nacos. @default that of the registry */
  readonly group?: string | undefined;
  /** Clusters in Nacos; empty when none are named. */
  readonly clusters: readonly string[];
  /** Path and query, as they were written. */
  readonly rest: string;
}

const PARTS = /^([a-z][a-z\d+.-]*):\/\/([^/?#]*)([^#]*)(?:#.*)?$/is;

/** Schemes of gRPC, and of our own gRPC addresses: what follows is no name. */
const OF_GRPC: ReadonlySet<string> = new Set(['grpc', 'grpcs', 'dns', 'unix', 'ipv4', 'ipv6', 'xds']);

/** No dot, no port, not only digits. */
const BARE_NAME = /^(?=.*[a-z])(?!localhost$)[\w-]+$/i;

/**
 * Whether a URL holds the name of a service. Like Go dtm, with any scheme but those of the web; for the coordinator, like
 * the Java client, also with `http`, where the host has neither dot nor port and is not `localhost`.
 *
 * @param url - any URL
 * @param of - whose it is
 */
export function isNamedUrl(url: string, of: HttpUrlRole): boolean {
  const [, scheme, host = ''] = PARTS.exec(url) ?? [];
  if (scheme === undefined) return false;
  return isHttpScheme(scheme) ? of === 'coordinator' && BARE_NAME.test(host) : !OF_GRPC.has(scheme.toLowerCase());
}

/**
 * Whether a scheme is `http` or `https`.
 *
 * @param scheme - in any case
 */
export function isHttpScheme(scheme: string): boolean {
  return /^https?$/i.test(scheme);
}

/**
 * Takes a URL with the name of a service apart. Its query says where Nacos has it: `group`, as dtm reads it, or `groupName`,
 * as the Java client writes it, and `clusters`, which may be repeated.
 *
 * @param url - one that {@link isNamedUrl}
 * @throws DtmArgumentError saying what is wrong
 */
export function parseNamedUrl(url: string): NamedUrl {
  const refusal = (why: string): DtmArgumentError => new DtmArgumentError(`bad url: '${redactUrls(url)}'. ${why}`);
  const [, scheme = '', host = '', rest = ''] = PARTS.exec(url) ?? [];
  if (!/^[!-~]+$/.test(url)) throw refusal('it must be in printable ASCII; encode the rest with %');
  if (/[:@]/.test(host)) {
    throw refusal(`behind ${scheme}:// stands the name of a service, without a port and a user; or begin with http://`);
  }
  const query = new URLSearchParams(rest.split(/\?(.*)/s)[1]);
  const group = query.get('group') || query.get('groupName') || undefined;
  const clusters = query.getAll('clusters').flatMap((value) => value.split(',').filter(Boolean));
  if (group !== undefined) parseServiceName(group, 'a group');
  for (const cluster of clusters) parseServiceName(cluster, 'a cluster');
  return { scheme: scheme.toLowerCase(), service: parseServiceName(host), group, clusters, rest };
}
