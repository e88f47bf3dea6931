import type { BranchRoute } from 'nestjs-dtm';
import { IS_EMBEDDED, IS_REPLICA } from '../coordinator.js';

/** Modes of the transaction that moves the money. */
export const MODES = ['saga', 'tcc', 'msg', 'xa'] as const;
export type Mode = (typeof MODES)[number];

/** How the coordinator can call the branches; the first one is the default. */
export const ROUTES: readonly BranchRoute[] = [
  ...(IS_EMBEDDED ? (['in-process'] as const) : []),
  // replicas have no address that leads to all of them
  ...(IS_REPLICA ? [] : (['http', 'grpc'] as const)),
];

/** How a transfer is made. */
export interface TransferOptions {
  readonly mode: Mode;
  readonly over: BranchRoute;
}
