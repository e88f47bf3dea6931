import { driversOf, type DtmDriver } from '../driver/index.js';
import { DtmConfigError, type DtmServer } from '../protocol/internal.js';
import { isPlainGrpc, schemeOf } from './grpc-address.js';
import { grpcServer } from './grpc-server.js';
import { httpServer } from './http-server.js';
import { jsonRpcServer } from './json-rpc-server.js';

/** Options of {@link serverOf}. */
export interface ServerOfOptions {
  /** Knows schemes beside those of HTTP and gRPC. @default none */
  readonly driver?: DtmDriver | undefined;
}

/**
 * The client of a coordinator, as its URL says: {@link jsonRpcServer} for `http(s)://…/api/json-rpc`, {@link httpServer} for
 * any other `http(s)://…` and the names that the driver knows over HTTP, {@link grpcServer} for `host:port`, `grpc://…`, `grpcs://…` and the schemes of the driver.
 *
 * @param url - where the coordinator is reached
 * @param options - see {@link ServerOfOptions}
 * @throws DtmConfigError when no client knows such a URL
 */
export function serverOf(url: string, { driver }: ServerOfOptions = {}): DtmServer {
  const scheme = schemeOf(url);
  const names = driver?.http;
  if (scheme === 'http' || scheme === 'https' || names?.isNamed(url, 'coordinator')) {
    const isJsonRpc = /\/api\/json-rpc\/*$/.test(url);
    return isJsonRpc ? jsonRpcServer(url, { names }) : httpServer(url, { names });
  }
  if (isPlainGrpc(url) || (scheme !== undefined && mayServe(driver, scheme))) return grpcServer(url, { driver });
  throw new DtmConfigError(`server ${JSON.stringify(url)} is no address of a coordinator; ${remedyFor(scheme)}`);
}

/** Of a driver that is not DTM's nobody knows the schemes but itself. */
function mayServe(driver: DtmDriver | undefined, scheme: string): boolean {
  if (!driver || driver.name === 'default') return false;
  const known = driversOf(scheme);
  return known.length === 0 || known.includes(driver.name) || !driver.name.startsWith('dtm-driver-');
}

function remedyFor(scheme: string | undefined): string {
  if (scheme === undefined) return 'expected something like http://localhost:36789 or, for gRPC, localhost:36790';
  const names = driversOf(scheme).join(' or ');
  return `gRPC does not know ${scheme}:// by itself, give the driver that does${names && `, ${names}`}`;
}
