/**
 * Names the owners of leases. Each lease has a new owner, so that a pass that has lost its lease stores nothing, even
 * when its own process has taken the lease again: docs/protocol.md#passes.
 */
export class Leases {
  /** Beginning of the owners of this process. */
  readonly ownerPrefix: string;
  #count = 0;

  /** @param process - unique name of this process */
  constructor(process: string) {
    this.ownerPrefix = `${process}.`;
  }

  /** An owner that no lease had before. */
  nextOwner(): string {
    return `${this.ownerPrefix}${++this.#count}`;
  }
}
