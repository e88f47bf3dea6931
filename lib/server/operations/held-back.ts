import { isFinal, type TransactionDetails } from '../../protocol/internal.js';
import { isOverHttp, type Transport } from '../../transport/index.js';
import type { CircuitBreaker } from '../execution/calls/circuit-breaker.js';
import { targetOf } from '../execution/calls/target.js';

/** Marks the undecided branches that are not called now, because the circuit breaker of their target is open. */
export class HeldBackBranches {
  readonly #circuitBreaker: Pick<CircuitBreaker, 'isOpen' | 'isQuiet'>;
  readonly #transport: Transport;

  constructor(circuitBreaker: Pick<CircuitBreaker, 'isOpen' | 'isQuiet'>, transport: Transport) {
    this.#circuitBreaker = circuitBreaker;
    this.#transport = transport;
  }

  /** @param details - as stored */
  mark(details: TransactionDetails): TransactionDetails {
    const { transaction, branches } = details;
    if (this.#circuitBreaker.isQuiet || isFinal(transaction.status)) return details;
    return {
      transaction,
      branches: branches.map((branch) =>
        branch.status === 'prepared' && this.#isHeldBack(branch.url) ? { ...branch, heldBack: true } : branch,
      ),
    };
  }

  #isHeldBack(url: string): boolean {
    return url !== '' && this.#circuitBreaker.isOpen(targetOf(url, isOverHttp(url, this.#transport)));
  }
}
