import type { Lane } from './lane.js';
import type { Row } from './rows.js';

/** Why Go dtm 1.19.0 cannot do a row. */
export function goDefect({ mode, troubles }: Row, { isRpc }: Lane): string | undefined {
  const refusesAction = mode.undo === 'compensate' && troubles.some(({ how }) => how === 'refused');
  return isRpc && refusesAction
    ? 'Go dtm does not recognise the code with which a branch refuses by JSON-RPC'
    : undefined;
}
