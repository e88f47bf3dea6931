import type { Transport } from '../client/index.js';

/** The application's transport to branches. Injected by this class. */
export abstract class BranchTransport implements Transport {
  abstract readonly call: Transport['call'];
  abstract readonly check: Transport['check'];
  abstract readonly close: Transport['close'];
}
