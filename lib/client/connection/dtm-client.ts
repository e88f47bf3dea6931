import { listDriversOfScheme, mayServeScheme, type DtmDriver } from '../../driver/internal.js';
import { DtmConfigError, type DtmConnection } from '../../protocol/internal.js';
import { isPlainGrpc, schemeOf } from './grpc-address.js';
import { dtmGrpcClient } from './dtm-grpc-client.js';
import { dtmHttpClient } from './dtm-http-client.js';
import { dtmJsonRpcClient } from './dtm-json-rpc-client.js';

/** Options of {@link dtmClient}. */
export interface DtmClientOptions {
  /** Knows schemes beside those of HTTP and gRPC. @default none */
  readonly driver?: DtmDriver | undefined;
}

/**
 * The client of a coordinator, as its URL says: {@link dtmJsonRpcClient} for `http(s)://…/api/json-rpc`, {@link dtmHttpClient} for
 * any other `http(s)://…` and the names that the driver knows over HTTP, {@link dtmGrpcClient} for `host:port`, `grpc://…`, `grpcs://…` and the schemes of the driver.
 *
 * @param url - where the coordinator is reached
 * @param options - see {@link DtmClientOptions}
 * @throws DtmConfigError when no client knows such a URL
 */
export function dtmClient(url: string, { driver }: DtmClientOptions = {}): DtmConnection {
  const scheme = schemeOf(url);
  const names = driver?.http;
  if (scheme === 'http' || scheme === 'https' || names?.isNamed(url, 'coordinator')) {
    const isJsonRpc = /\/api\/json-rpc\/*$/.test(url);
    return isJsonRpc ? dtmJsonRpcClient(url, { names }) : dtmHttpClient(url, { names });
  }
  if (isPlainGrpc(url) || (scheme !== undefined && driver && mayServeScheme(driver.name, scheme)))
    return dtmGrpcClient(url, { driver });
  throw new DtmConfigError(`server ${JSON.stringify(url)} is no address of a coordinator; ${remedyFor(scheme)}`);
}

function remedyFor(scheme: string | undefined): string {
  if (scheme === undefined) return 'expected something like http://localhost:36789 or, for gRPC, localhost:36790';
  const names = listDriversOfScheme(scheme).join(' or ');
  return `gRPC does not know ${scheme}:// by itself, give the driver that does${names && `, ${names}`}`;
}
