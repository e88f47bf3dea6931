import { DtmStoreError } from '../../protocol/internal.js';

/** The error of every operation of a store that is not open; without the name of the store, because callers read it. */
export function closedError(): DtmStoreError {
  return new DtmStoreError(
    'the store is closed; the coordinator is stopped, or not started yet (in Nest: before app.init() or app.listen())',
  );
}
