import { DtmArgumentError } from '../../../protocol/internal.js';
import { parseHostPort } from '../../../support/host-port.js';
import { redactUrls } from '../../../support/redact-urls.js';
import type { Address } from '../lookup/address.js';

/** A URL that leads to a service in a registry, `scheme://user:password@host:port,host:port/service?option=value`. */
export interface RegistryUrl {
  /** In lower case. */
  readonly scheme: string;
  /** Where the registry is reached; empty when the URL does not say it. */
  readonly hosts: readonly Address[];
  /** Decoded. */
  readonly user?: string | undefined;
  /** Decoded. */
  readonly password?: string | undefined;
  /** What follows the hosts, without the slash. */
  readonly path: string;
  /** What follows the question mark. */
  readonly query: URLSearchParams;
}

/** `scheme://`, user and password, hosts, path, query. */
const URL_PARTS = /^([a-z][a-z\d+.-]*):\/\/(?:([^/?#@]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i;

/**
 * Takes the URL of a service in a registry apart. Other than those of the web it may have several hosts.
 *
 * @param url - from a user
 * @param defaultPort - of a host without one. @default each has one
 * @throws DtmArgumentError saying what is wrong, without the password
 */
export function parseRegistryUrl(url: string, defaultPort?: number): RegistryUrl {
  const refusal = (why: string): DtmArgumentError => new DtmArgumentError(`bad url: '${redactUrls(url)}'. ${why}`);
  const [, scheme, userInfo, hosts = '', path = '', query = ''] = /^[!-~]+$/.test(url)
    ? (URL_PARTS.exec(url) ?? [])
    : [];
  if (scheme === undefined) throw refusal('expected scheme://host:port/service');
  const [user, password] = userInfo?.split(/:(.*)/s).map((part) => decoded(part) ?? part) ?? [];
  return {
    scheme: scheme.toLowerCase(),
    hosts: hosts === '' ? [] : hosts.split(',').map((host) => addressOf(host, defaultPort) ?? fail(refusal, host)),
    user: user || undefined,
    password: password || undefined,
    path: path.replace(/\/+$/, ''),
    query: new URLSearchParams(query),
  };
}

function addressOf(host: string, defaultPort: number | undefined): Address | undefined {
  return parseHostPort(host) ?? (defaultPort === undefined ? undefined : parseHostPort(`${host}:${defaultPort}`));
}

function fail(refusal: (why: string) => DtmArgumentError, host: string): never {
  throw refusal(`${JSON.stringify(host)} is no host:port`);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
