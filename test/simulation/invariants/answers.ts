import { DtmFailureError, type TransactionRequest } from 'nestjs-dtm/protocol';
import type { Invariant, Simulation } from '../simulation.js';
import type { Life } from './life.js';

/** Checks what coordinators answer against what is durable (I6, and that nothing acknowledged is lost). */
export class AnswerChecks {
  readonly #simulation: Simulation;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** A coordinator says that it did something. */
  acknowledged(life: Life, operation: string, { waitResult }: Pick<TransactionRequest, 'waitResult'>): void {
    const { statuses, status, plan } = life;
    const [verb, branchId] = operation.split(' ');
    const isDurable = (condition: boolean): void =>
      this.#expect('durability', life, condition, `${operation} is acknowledged, it is ${status ?? 'unknown'}`);
    switch (verb) {
      case 'prepare':
      case 'prepareWorkflow':
        return isDurable(status !== undefined);
      case 'submit':
        if (waitResult) this.#expect('I6', life, status === 'succeed', `is told to have succeeded, it is ${status}`);
        return isDurable(statuses.has('submitted') || (plan.mode === 'workflow' && life.isFinal));
      case 'abort':
        return isDurable(statuses.has(plan.mode === 'msg' ? 'failed' : 'aborting'));
      case 'registerBranch':
        return isDurable(life.details?.branches.some((branch) => branch.branchId === branchId) ?? false);
      case 'forceStop':
        return isDurable(status === 'failed');
    }
  }

  /** A coordinator says that it did not, or that the transaction failed. */
  refused(life: Life, operation: string, { waitResult }: Pick<TransactionRequest, 'waitResult'>, error: unknown): void {
    if (operation !== 'submit' || !waitResult || !(error instanceof DtmFailureError)) return;
    // what has succeeded cannot be submitted again: clients know that, and look at its state
    if (error.message.endsWith("'succeed', cannot sumbmit.")) return;
    const isRolledBack = life.status === 'aborting' || life.status === 'failed';
    this.#expect('I6', life, isRolledBack, `is told to have failed, it is ${life.status}`);
  }

  /** What an initiator believes in the end. */
  ended(life: Life): void {
    if (life.isForced || !life.told.size) return;
    this.#expect('I6', life, life.told.size === 1, 'is told to have succeeded and to have failed');
    const [told] = life.told;
    const status = life.status ?? 'failed';
    this.#expect('I6', life, status === told, `is told to have ${told}, it is ${status}`);
  }

  #expect(invariant: Invariant, life: Life, condition: boolean, message: string): void {
    if (!condition) this.#simulation.violate(invariant, `${life.plan.gid} ${message}`);
  }
}
