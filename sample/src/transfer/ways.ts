/** Modes of the transaction that moves the money. */
export const MODES = ['saga', 'tcc', 'msg', 'xa'] as const;
export type Mode = (typeof MODES)[number];

/** Over what its branches are called. */
export const PROTOCOLS = ['http', 'grpc'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** A way to move money. */
export interface Way {
  readonly mode: Mode;
  readonly protocol: Protocol;
}
