import type { DtmConnection } from 'nestjs-dtm';
import { dtmGrpcClient } from 'nestjs-dtm/client';

/**
 * A coordinator by its URL. The gRPC API of a real dtm cannot say how a transaction ended; so DTM_HTTP may name the HTTP
 * API of the same dtm, which can.
 */
export function dtmServer(url: string): string | DtmConnection {
  const http = process.env.DTM_HTTP;
  return http ? dtmGrpcClient(url, { http }) : url;
}
