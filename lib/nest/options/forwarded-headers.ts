import { AsyncLocalStorage } from 'node:async_hooks';
import type { BranchHeaders } from '../../protocol/internal.js';

/** Longest value that is passed on. A client chooses it, and must not make a transaction too large. */
const MAX_LENGTH = 1024;

/** What headers and metadata can carry in every protocol. */
const SENDABLE = /^[\u0020-\u007e]+$/;

/** The headers of the running request that its transactions pass on to their branches. */
export class ForwardedHeaders {
  readonly #names: readonly string[];
  readonly #storage = new AsyncLocalStorage<BranchHeaders>();

  /** @param names - in lower case */
  constructor(names: readonly string[]) {
    this.#names = names;
  }

  /** The headers to pass on; undefined outside of a request, and in a request without such headers. */
  get current(): BranchHeaders | undefined {
    return this.#storage.getStore();
  }

  /**
   * Runs the handler of a request.
   *
   * @param find - value of a header of the request, by its name in lower case
   */
  run<T>(find: (name: string) => unknown, handle: () => T): T {
    const found = this.#names.flatMap((name) => {
      const value = find(name);
      return typeof value === 'string' && value.length <= MAX_LENGTH && SENDABLE.test(value) ? [[name, value]] : [];
    });
    return found.length === 0 ? handle() : this.#storage.run(Object.fromEntries(found) as BranchHeaders, handle);
  }
}
