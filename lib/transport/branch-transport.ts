import type { DtmDriver } from '../driver/index.js';
import { isHttpUrl } from '../protocol/index.js';
import type { GrpcOptions } from './grpc/grpc-options.js';
import { grpcTransport } from './grpc/grpc-transport.js';
import type { HttpRequesterOptions } from './http/http-requester.js';
import { httpTransport } from './http/http-transport.js';
import type { Transport } from './transport.js';

/** Options of {@link branchTransport}. */
export interface BranchTransportOptions {
  /** Limits of the connection pools of HTTP. */
  readonly http?: HttpRequesterOptions | undefined;
  /** Limits of the channels of gRPC. */
  readonly grpc?: GrpcOptions | undefined;
  /** Knows the addresses of gRPC branches. @default defaultDriver(), host:port/pkg.Service/Method */
  readonly driver?: DtmDriver | undefined;
}

/**
 * Calls branches over HTTP, JSON-RPC or gRPC, whichever their URL says (`dtm-protocol.md` §3.4).
 *
 * @param options - see {@link BranchTransportOptions}
 */
export function branchTransport({ http, grpc, driver }: BranchTransportOptions = {}): Transport {
  const overHttp = httpTransport(http);
  const overGrpc = grpcTransport(grpc, driver);
  return {
    call: (call) => (isHttpUrl(call.url) ? overHttp : overGrpc).call(call),
    check: (target) => {
      if (!isHttpUrl(target.url)) overGrpc.check?.(target);
    },
    async close() {
      await Promise.all([overHttp.close(), overGrpc.close()]);
    },
  };
}
