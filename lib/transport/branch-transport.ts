import { isAppUrl, listDriversOfScheme, type DtmDriver } from '../driver/internal.js';
import { DtmArgumentError, isHttpUrl } from '../protocol/internal.js';
import type { GrpcConnectionOptions } from './grpc/grpc-connection-options.js';
import { grpcTransport } from './grpc/grpc-transport.js';
import type { HttpConnectionOptions } from './http/http-requester.js';
import { httpTransport } from './http/http-transport.js';
import type { Transport } from './transport.js';

/** Options of {@link branchTransport}. */
export interface BranchTransportOptions {
  /** Limits of the connection pools of HTTP. @default the defaults of its options */
  readonly http?: HttpConnectionOptions | undefined;
  /** Limits of the channels of gRPC. @default the defaults of its options */
  readonly grpc?: GrpcConnectionOptions | undefined;
  /** Finds the addresses of branches. @default defaultDriver(): URLs of HTTP, and host:port/pkg.Service/Method */
  readonly driver?: DtmDriver | undefined;
}

/**
 * Creates a transport that calls branches over HTTP, JSON-RPC or gRPC. The URL of a branch decides:
 * docs/protocol.md#branch-urls.
 *
 * @param options - see {@link BranchTransportOptions}
 */
export function branchTransport(options: BranchTransportOptions = {}): Transport {
  const { http, grpc, driver } = options;
  const names = driver?.http;
  const overHttp = httpTransport({ ...http, names });
  const overGrpc = grpcTransport(grpc, driver);
  const isNamed = (url: string): boolean => names?.isNamed(url, 'branch') ?? false;
  return {
    call: (call) => (isHttpUrl(call.url) || isNamed(call.url) ? overHttp : overGrpc).call(call),
    isOverHttp: (url) => isHttpUrl(url) || isNamed(url),
    check(target) {
      const { url, protocol = 'grpc' } = target;
      if (isHttpUrl(url)) return;
      if (isNamed(url)) return names?.check(url);
      if (isAppUrl(url)) {
        throw new DtmArgumentError(
          'a branch with the name of an application (app://…) is called inside its process, by the coordinator that is embedded there; ' +
            'another coordinator needs an http:// or gRPC URL',
        );
      }
      if (protocol !== 'grpc') {
        const drivers = listDriversOfScheme(/^[^:]*/.exec(url)![0].toLowerCase()).join(' or ');
        throw new DtmArgumentError(
          `this transaction calls branches over http or https only; set protocol: 'grpc'${drivers && `, and use the driver ${drivers}`}`,
        );
      }
      overGrpc.check?.(target);
    },
    async close() {
      await Promise.all([overHttp.close(), overGrpc.close()]);
    },
  };
}
