import { DtmConfigError } from '../../protocol/internal.js';

/** Where a coordinator is reached over gRPC. */
export interface GrpcAddress {
  /** For gRPC, and for participants: `host:port`, or a URL whose scheme a resolver knows. */
  readonly server: string;
  /** It was written as `grpcs://`. */
  readonly isSecure: boolean;
}

/** The name of a host or an IPv6 address in brackets, and a port. */
const HOST_AND_PORT = /^(?:\[[\da-f:.]+\]|[\w.-]+):\d{1,5}$/i;

/** Schemes that gRPC resolves by itself. */
const SCHEMES_OF_GRPC: ReadonlySet<string> = new Set(['dns', 'ipv4', 'ipv6', 'unix', 'xds']);

/**
 * The scheme of a URL, in lower case; undefined when it has none.
 *
 * @param url - `scheme://…`
 */
export function schemeOf(url: string): string | undefined {
  return /^([a-z][a-z\d+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
}

/**
 * Whether gRPC reaches an address without the help of a driver.
 *
 * @param url - an address
 */
export function isPlainGrpc(url: string): boolean {
  const scheme = schemeOf(url);
  if (scheme === undefined) return HOST_AND_PORT.test(url);
  return scheme === 'grpc' || scheme === 'grpcs' || SCHEMES_OF_GRPC.has(scheme);
}

/**
 * Reads the address of a coordinator's gRPC API.
 *
 * @param url - `host:port`, `grpc://host:port`, `grpcs://host:port`, or a URL with the scheme of a driver
 * @throws DtmConfigError when it is none of these
 */
export function grpcAddress(url: string): GrpcAddress {
  const scheme = schemeOf(url);
  if (scheme === 'http' || scheme === 'https') {
    throw new DtmConfigError(`server ${url} is reached over HTTP, use dtmHttpClient() for it; gRPC is at host:36790`);
  }
  const isOurs = scheme === 'grpc' || scheme === 'grpcs';
  const server = isOurs ? url.slice(url.indexOf('//') + 2).replace(/\/+$/, '') : url;
  if (server.includes('@')) {
    throw new DtmConfigError('server must not hold a user and password; use metadata: { authorization }');
  }
  const isKnown = scheme === undefined || isOurs ? HOST_AND_PORT.test(server) : /^[!-~]+$/.test(server);
  if (!isKnown) {
    throw new DtmConfigError(
      `server ${JSON.stringify(url)} is not the address of a gRPC API; expected something like localhost:36790`,
    );
  }
  return { server, isSecure: scheme === 'grpcs' };
}
