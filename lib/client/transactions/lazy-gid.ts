import type { DtmApi } from '../../protocol/internal.js';

/** The gid of one transaction: that of the user, or one that the coordinator is asked for when it is first needed. */
export class LazyGid {
  readonly #api: DtmApi;
  readonly #given: string | undefined;
  #asked: Promise<string> | undefined;

  /**
   * @param api - the coordinator
   * @param given - by the user. @default the coordinator is asked
   */
  constructor(api: DtmApi, given: string | undefined) {
    this.#api = api;
    this.#given = given;
  }

  /**
   * The gid, the same one each time.
   *
   * @throws what {@link DtmApi.newGid} throws; the next one asks again
   */
  async get(): Promise<string> {
    if (this.#given !== undefined) return this.#given;
    this.#asked ??= this.#api.newGid();
    try {
      return await this.#asked;
    } catch (error) {
      this.#asked = undefined;
      throw error;
    }
  }
}
