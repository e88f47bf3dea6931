import type { Route } from './route.js';
import type { Row } from './rows.js';

/** Bug of Go dtm 1.19.0 that makes a row fail; undefined = none. */
export function goDefect({ mode, faults }: Row, { isRpc }: Route): string | undefined {
  const refusesAction = mode.undo === 'compensate' && faults.some(({ kind }) => kind === 'failure');
  return isRpc && refusesAction ? 'Go dtm does not recognize the JSON-RPC failure code of a branch' : undefined;
}
