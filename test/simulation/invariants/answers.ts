import { DtmFailureError, type TransactionRequest } from 'nestjs-dtm/protocol';
import type { Invariant, Simulation } from '../simulation.js';
import type { TransactionHistory } from './transaction-history.js';

/** Checks the answers of coordinators against durable data (I6, durability). */
export class AnswerChecks {
  readonly #simulation: Simulation;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** A coordinator answered with success. */
  acknowledged(
    history: TransactionHistory,
    operation: string,
    { waitResult }: Pick<TransactionRequest, 'waitResult'>,
  ): void {
    const { statuses, status, plan } = history;
    const [verb, branchId] = operation.split(' ');
    const isDurable = (condition: boolean): void =>
      this.#expect(
        'durability',
        history,
        condition,
        `${operation} is acknowledged, but the transaction is ${status ?? 'unknown'}`,
      );
    switch (verb) {
      case 'prepare':
      case 'prepareWorkflow':
        return isDurable(status !== undefined);
      case 'submit':
        if (waitResult) this.#expect('I6', history, status === 'succeed', `is reported as succeeded, but is ${status}`);
        return isDurable(statuses.has('submitted') || (plan.mode === 'workflow' && history.isFinal));
      case 'abort':
        return isDurable(statuses.has(plan.mode === 'msg' ? 'failed' : 'aborting'));
      case 'registerBranch':
        return isDurable(history.details?.branches.some((branch) => branch.branchId === branchId) ?? false);
      case 'forceStop':
        return isDurable(status === 'failed');
    }
  }

  /** A coordinator answered with an error. */
  refused(
    history: TransactionHistory,
    operation: string,
    { waitResult }: Pick<TransactionRequest, 'waitResult'>,
    error: unknown,
  ): void {
    if (operation !== 'submit' || !waitResult || !(error instanceof DtmFailureError)) return;
    // a succeeded transaction cannot be submitted again: clients know this error and query the state
    if (error.message.endsWith("'succeed', cannot sumbmit.")) return;
    const isRolledBack = history.status === 'aborting' || history.status === 'failed';
    this.#expect('I6', history, isRolledBack, `is reported as failed, but is ${history.status}`);
  }

  /** Checks the final outcome that an initiator learned. */
  ended(history: TransactionHistory): void {
    if (history.isForceStopped || !history.reportedOutcomes.size) return;
    this.#expect('I6', history, history.reportedOutcomes.size === 1, 'is reported both as succeeded and as failed');
    const [outcome] = history.reportedOutcomes;
    const status = history.status ?? 'failed';
    this.#expect('I6', history, status === outcome, `is reported as ${outcome}, but is ${status}`);
  }

  #expect(invariant: Invariant, history: TransactionHistory, condition: boolean, message: string): void {
    if (!condition) this.#simulation.violate(invariant, `${history.plan.gid} ${message}`);
  }
}
