import type { DtmApi } from '../../protocol/internal.js';

/** The gid of one transaction: that of the user, or one that the coordinator creates at the first use. */
export class LazyGid {
  readonly #api: DtmApi;
  readonly #own: string | undefined;
  #created: Promise<string> | undefined;

  /** @param own - gid of the user. @default the coordinator creates one */
  constructor(api: DtmApi, own: string | undefined) {
    this.#api = api;
    this.#own = own;
  }

  /**
   * Gets the gid, which is the same at each call.
   *
   * @throws what {@link DtmApi.newGid} throws; the next call asks the coordinator again
   */
  async get(): Promise<string> {
    if (this.#own !== undefined) return this.#own;
    this.#created ??= this.#api.newGid();
    try {
      return await this.#created;
    } catch (error) {
      this.#created = undefined;
      throw error;
    }
  }
}
