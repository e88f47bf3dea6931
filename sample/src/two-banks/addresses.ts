/** Protocol from the initiator to the coordinator, and from the coordinator to the banks. */
export const PROTOCOL = process.env.PROTOCOL === 'grpc' ? 'grpc' : 'http';

/** The coordinator: `npx nestjs-dtm serve`, or a Go dtm. */
export const DTM_SERVER =
  process.env.DTM_SERVER ?? (PROTOCOL === 'grpc' ? '127.0.0.1:36790' : 'http://127.0.0.1:36789');

/** Addresses of a process. */
export interface Address {
  readonly http: string;
  readonly grpc: string;
}

/** Addresses of the banks, for listeners, coordinator and initiator. */
export const BANK_OUT: Address = {
  http: `127.0.0.1:${process.env.BANK_OUT_PORT ?? 3001}`,
  grpc: `127.0.0.1:${process.env.BANK_OUT_GRPC_PORT ?? 50_051}`,
};
export const BANK_IN: Address = {
  http: `127.0.0.1:${process.env.BANK_IN_PORT ?? 3002}`,
  grpc: `127.0.0.1:${process.env.BANK_IN_GRPC_PORT ?? 50_052}`,
};
