/** Modes of the transaction that moves the money. */
export const MODES = ['saga', 'tcc', 'msg', 'xa'] as const;
export type Mode = (typeof MODES)[number];

/** Protocols of the branches. */
export const PROTOCOLS = ['http', 'grpc'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** How a transfer is made. */
export interface TransferOptions {
  readonly mode: Mode;
  readonly protocol: Protocol;
}
