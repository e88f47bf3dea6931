import type { DtmConnection } from 'nestjs-dtm';
import { dtmGrpcClient } from 'nestjs-dtm/client';

/**
 * Selects the coordinator. The gRPC API of a Go dtm does not tell how a transaction ended, so DTM_HTTP can be the URL of the
 * HTTP API of the same dtm.
 */
export function dtmConnection(url: string): string | DtmConnection {
  const http = process.env.DTM_HTTP;
  return http ? dtmGrpcClient(url, { http }) : url;
}
