import { DtmConfigError } from '../../protocol/internal.js';
import { parseHostPort } from '../../support/host-port.js';

/** Address of the gRPC API of a coordinator. */
export interface GrpcAddress {
  /** For gRPC and for participants: `host:port`, or a URL whose scheme a resolver knows. */
  readonly server: string;
  /** The URL begins with `grpcs://`. */
  readonly isSecure: boolean;
}

/** Schemes that gRPC resolves without a driver. */
const GRPC_SCHEMES: ReadonlySet<string> = new Set(['dns', 'ipv4', 'ipv6', 'unix', 'xds']);

/**
 * The scheme of a URL, in lower case; undefined for a text without a scheme.
 *
 * @param url - `scheme://…`
 */
export function schemeOf(url: string): string | undefined {
  return /^([a-z][a-z\d+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
}

/** Whether gRPC reaches an address without a driver. */
export function isPlainGrpc(url: string): boolean {
  const scheme = schemeOf(url);
  if (scheme === undefined) return parseHostPort(url) !== undefined;
  return scheme === 'grpc' || scheme === 'grpcs' || GRPC_SCHEMES.has(scheme);
}

/**
 * Parses the address of the gRPC API of a coordinator.
 *
 * @param url - `host:port`, `grpc://host:port`, `grpcs://host:port`, or a URL with the scheme of a driver
 * @throws DtmConfigError for any other text
 */
export function parseGrpcAddress(url: string): GrpcAddress {
  const scheme = schemeOf(url);
  if (scheme === 'http' || scheme === 'https') {
    throw new DtmConfigError(`server ${url} is a URL of HTTP; use dtmHttpClient(), or for gRPC host:36790`);
  }
  const isGrpcUrl = scheme === 'grpc' || scheme === 'grpcs';
  const server = isGrpcUrl ? url.slice(url.indexOf('//') + 2).replace(/\/+$/, '') : url;
  if (server.includes('@')) {
    throw new DtmConfigError('server must not contain a user and password; use metadata: { authorization }');
  }
  const isValid = scheme === undefined || isGrpcUrl ? parseHostPort(server) !== undefined : /^[!-~]+$/.test(server);
  if (!isValid) {
    throw new DtmConfigError(
      `server ${JSON.stringify(url)} is not the address of a gRPC API; expected something like localhost:36790`,
    );
  }
  return { server, isSecure: scheme === 'grpcs' };
}
