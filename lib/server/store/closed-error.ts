import { DtmStoreError } from '../../protocol/internal.js';

/** The error of every operation of a store that is not open. */
export function closedError(name: string): DtmStoreError {
  return new DtmStoreError(`${name} is closed; the coordinator is stopped, or was never started`);
}
