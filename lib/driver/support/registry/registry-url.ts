import { DtmArgumentError } from '../../../protocol/internal.js';
import { parseHostPort, type HostPort } from '../../../support/host-port.js';
import { redactUrls } from '../../../support/redact-urls.js';

/** The URL of a service in a registry, `scheme://user:password@host:port,host:port/service?option=value`, after parsing. */
export interface RegistryUrl {
  /** The scheme in lower case. */
  readonly scheme: string;
  /** Members of the registry; empty when the URL names none. */
  readonly hosts: readonly HostPort[];
  /** The decoded user. */
  readonly user?: string | undefined;
  /** The decoded password. */
  readonly password?: string | undefined;
  /** The path without the slash after the hosts. */
  readonly path: string;
  /** The query. */
  readonly query: URLSearchParams;
}

/** `scheme://`, user and password, hosts, path, query. */
const URL_PARTS = /^([a-z][a-z\d+.-]*):\/\/(?:([^/?#@]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i;

/**
 * Parses the URL of a service in a registry. Unlike a URL of the web it may have several hosts.
 *
 * @param url - from a user
 * @param defaultPort - of a host without a port. @default each host needs a port
 * @throws DtmArgumentError without the password of the URL
 */
export function parseRegistryUrl(url: string, defaultPort?: number): RegistryUrl {
  const refusal = (why: string): DtmArgumentError =>
    new DtmArgumentError(`registry URL '${redactUrls(url)}' is invalid: ${why}`);
  const [, scheme, userInfo, hosts = '', path = '', query = ''] = /^[!-~]+$/.test(url)
    ? (URL_PARTS.exec(url) ?? [])
    : [];
  if (scheme === undefined) throw refusal('expected scheme://host:port/service');
  const [user, password] = userInfo?.split(/:(.*)/s).map(decode) ?? [];
  return {
    scheme: scheme.toLowerCase(),
    hosts: hosts === '' ? [] : hosts.split(',').map((host) => parseHost(host, defaultPort) ?? fail(refusal, host)),
    user: user || undefined,
    password: password || undefined,
    path: path.replace(/\/+$/, ''),
    query: new URLSearchParams(query),
  };
}

function parseHost(host: string, defaultPort: number | undefined): HostPort | undefined {
  return parseHostPort(host) ?? (defaultPort === undefined ? undefined : parseHostPort(`${host}:${defaultPort}`));
}

function fail(refusal: (why: string) => DtmArgumentError, host: string): never {
  throw refusal(`${JSON.stringify(host)} is not host:port`);
}

/** A `%` that encodes nothing stands for itself. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
