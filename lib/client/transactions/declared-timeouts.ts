import type { TransactionOptions } from '../../protocol/internal.js';
import type { BranchLocator } from '../branch/branch-locator.js';
import type { BranchRef } from '../branch/branch-ref.js';

/** The time-outs that the branches of a transaction declare themselves, by URL. */
export class DeclaredTimeouts {
  #seconds: Record<string, number> | undefined;

  /**
   * Adds the time-out of a branch, if it declares one.
   *
   * @param urls - of the branch; empty ones are not called
   * @returns the time-out
   */
  add(locator: BranchLocator, ref: BranchRef, ...urls: readonly (string | undefined)[]): number | undefined {
    const seconds = locator.getRequestTimeoutSeconds?.(ref);
    if (seconds === undefined) return undefined;
    this.#seconds ??= {};
    for (const url of urls) if (url) this.#seconds[url] = seconds;
    return seconds;
  }

  /** The time-outs together with those of the options, which take precedence. */
  with({ branchTimeoutSeconds }: TransactionOptions): TransactionOptions['branchTimeoutSeconds'] {
    return this.#seconds && branchTimeoutSeconds
      ? { ...this.#seconds, ...branchTimeoutSeconds }
      : (this.#seconds ?? branchTimeoutSeconds);
  }
}
