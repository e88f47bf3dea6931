import {
  DtmArgumentError,
  outcomeError,
  type DtmErrorBranch,
  type DtmOutcomeError,
  type UnsuccessfulOutcome,
} from '../../protocol/internal.js';
import { DeclaredTimeouts } from './declared-timeouts.js';
import { redactUrls } from '../../support/redact-urls.js';

/** Modes whose branches the initiator calls itself. */
export type InitiatorDrivenType = 'tcc' | 'xa';

/** The calls of an initiator to the branches of one transaction. */
export class BranchCalls {
  readonly #calls: Promise<unknown>[] = [];
  /** Branches whose only call was refused before it was executed: they have nothing to undo. */
  readonly notExecuted = new Set<string>();
  /** Time-outs of the second phase. */
  readonly timeouts = new DeclaredTimeouts();
  #isOver = false;

  constructor(
    readonly gid: string,
    readonly transType: InitiatorDrivenType,
  ) {}

  /**
   * Makes a call.
   *
   * @param call - calls a branch
   * @throws DtmArgumentError after {@link allSettled}; what `call` throws
   */
  make<T>(call: () => Promise<T>): Promise<T> {
    const made = this.#isOver ? Promise.reject(this.#tooLate()) : call();
    // allSettled() reports the failure, even when the caller does not handle it
    made.catch(() => undefined);
    this.#calls.push(made);
    return made;
  }

  /**
   * Waits for all calls, including those that the work did not await. No call can be made after it.
   *
   * @throws the error of the first call that failed, even when the work caught it: the branch may be registered, and
   *   submitting would confirm it
   */
  async allSettled(): Promise<void> {
    let results: PromiseSettledResult<unknown>[] = [];
    // the answer to one call can lead to another call
    while (results.length < this.#calls.length) results = await Promise.allSettled(this.#calls);
    this.#isOver = true;
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  #tooLate(): DtmArgumentError {
    return new DtmArgumentError(
      `the work of this ${this.transType.toUpperCase()} is over, no branch can be called; await every call inside the work`,
      { gid: this.gid },
    );
  }
}

/** The error of a branch call that an initiator made itself, and that did not succeed. */
export function branchCallError(
  outcome: UnsuccessfulOutcome,
  gid: string,
  { branchId, op, url = '' }: DtmErrorBranch,
): DtmOutcomeError {
  return outcomeError(outcome, `${op} of branch ${branchId}`, { gid, branch: { branchId, op, url: redactUrls(url) } });
}
