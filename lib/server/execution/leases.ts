/**
 * Names the holders of leases: a new one each time that a lease is taken, so that a pass which has lost its lease stores
 * nothing, even when its own process has taken the lease again meanwhile.
 */
export class Leases {
  readonly #process: string;
  #count = 0;

  /**
   * Makes names.
   *
   * @param process - names this process
   */
  constructor(process: string) {
    this.#process = process;
  }

  /** A name that nobody has had. */
  nextOwner(): string {
    return `${this.#process}.${++this.#count}`;
  }
}
