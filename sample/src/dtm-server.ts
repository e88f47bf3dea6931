import type { DtmServer } from 'nestjs-dtm';
import { grpcServer } from 'nestjs-dtm/client';

/**
 * A coordinator by its URL. The gRPC API of a real dtm cannot say how a transaction ended; so DTM_HTTP may name the HTTP
 * API of the same dtm, which can.
 */
export function dtmServer(url: string): string | DtmServer {
  const http = process.env.DTM_HTTP;
  return http ? grpcServer(url, { http }) : url;
}
