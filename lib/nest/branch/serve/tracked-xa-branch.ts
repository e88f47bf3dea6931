import { XaParticipant } from '../../../xa/index.js';

/** An XA branch that knows whether its work began. Without `xa.call` the coordinator never learns of the branch. */
export class TrackedXaBranch extends XaParticipant<unknown> {
  isBegun = false;

  override call<T>(work: (tx: unknown) => Promise<T>): Promise<T | undefined> {
    this.isBegun = true;
    return super.call(work);
  }
}
