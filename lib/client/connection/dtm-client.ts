import { listDriversOfScheme, mayServeScheme, type DtmDriver } from '../../driver/internal.js';
import { DtmConfigError, type DtmConnection } from '../../protocol/internal.js';
import { dtmGrpcClient } from './dtm-grpc-client.js';
import { dtmHttpClient } from './dtm-http-client.js';
import { dtmJsonRpcClient } from './dtm-json-rpc-client.js';
import { isPlainGrpc, schemeOf } from './parse-grpc-address.js';

/** Options of {@link dtmClient}. */
export interface DtmClientOptions {
  /** Driver for schemes other than those of HTTP and gRPC. @default none */
  readonly driver?: DtmDriver | undefined;
}

/**
 * Creates the client of a coordinator that fits its URL:
 *
 * - {@link dtmJsonRpcClient} for `http(s)://…/api/json-rpc`;
 * - {@link dtmHttpClient} for any other `http(s)://…`, and for names that the driver finds over HTTP;
 * - {@link dtmGrpcClient} for `host:port`, `grpc://…`, `grpcs://…` and the schemes of the driver.
 *
 * @param url - address of the coordinator
 * @param options - see {@link DtmClientOptions}
 * @throws DtmConfigError for any other URL
 */
export function dtmClient(url: string, options: DtmClientOptions = {}): DtmConnection {
  const { driver } = options;
  const scheme = schemeOf(url);
  const names = driver?.http;
  if (scheme === 'http' || scheme === 'https' || names?.isNamed(url, 'coordinator')) {
    const isJsonRpc = /\/api\/json-rpc\/*$/.test(url);
    return isJsonRpc ? dtmJsonRpcClient(url, { names }) : dtmHttpClient(url, { names });
  }
  const isDriverScheme = scheme !== undefined && driver !== undefined && mayServeScheme(driver.name, scheme);
  if (isPlainGrpc(url) || isDriverScheme) return dtmGrpcClient(url, { driver });
  throw new DtmConfigError(`server ${JSON.stringify(url)} is not the address of a coordinator; ${remedyFor(scheme)}`);
}

function remedyFor(scheme: string | undefined): string {
  if (scheme === undefined) return 'expected something like http://localhost:36789 or, for gRPC, localhost:36790';
  const names = listDriversOfScheme(scheme).join(' or ');
  return `gRPC does not know ${scheme}:// without a driver; pass the driver of this scheme${names && `: ${names}`}`;
}
