import { DtmFailureError, DtmOngoingError } from 'nestjs-dtm';
import type { XaAdapter } from 'nestjs-dtm/xa';

/** A fault that occurs once. */
export interface Fault {
  /** Operation that fails; `msg` is the local transaction of a message. */
  readonly op: string;
  readonly kind: 'failure' | 'ongoing' | 'error';
}

const ERRORS = {
  failure: () => new DtmFailureError('refused on purpose'),
  ongoing: () => new DtmOngoingError('not yet, on purpose'),
  error: () => new Error('broken on purpose'),
} as const;

/** Injects the planned faults of each transaction into its participants. */
export class FaultInjector {
  readonly #byGid = new Map<string, Fault[]>();

  plan(gid: string, faults: readonly Fault[]): void {
    this.#byGid.set(gid, [...faults]);
  }

  /** Throws the fault that is planned for this operation, if any. */
  inject({ gid, op }: { readonly gid: string; readonly op: string }): void {
    const waiting = this.#byGid.get(gid) ?? [];
    const index = waiting.findIndex((fault) => fault.op === op);
    if (index === -1) return;
    const [fault] = waiting.splice(index, 1);
    throw ERRORS[fault!.kind]();
  }

  /** Injects faults into the database: the module runs the second phase of XA itself. */
  wrapSecondPhase<Tx>(xa: XaAdapter<Tx>): XaAdapter<Tx> {
    return {
      ...xa,
      commit: async (branch) => {
        this.inject({ ...branch, op: 'commit' });
        await xa.commit(branch);
      },
      rollback: async (branch) => {
        this.inject({ ...branch, op: 'rollback' });
        await xa.rollback(branch);
      },
    };
  }
}
