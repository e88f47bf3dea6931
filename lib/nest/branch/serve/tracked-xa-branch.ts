import { XaParticipant } from '../../../xa/index.js';

/** An XA branch that knows whether its work was begun: without that the coordinator would never hear of it. */
export class TrackedXaBranch extends XaParticipant<unknown> {
  /** {@link call} was called. */
  isBegun = false;

  override call<T>(work: (tx: unknown) => Promise<T>): Promise<T | undefined> {
    this.isBegun = true;
    return super.call(work);
  }
}
