import { DtmFailureError, DtmOngoingError } from 'nestjs-dtm';
import type { XaAdapter } from 'nestjs-dtm/xa';

/** What goes wrong, once. */
export interface Trouble {
  /** Operation of the branch that has it; `msg` is the local transaction of a message. */
  readonly op: string;
  readonly how: 'refused' | 'ongoing' | 'broken';
}

const ERRORS = {
  refused: () => new DtmFailureError('refused on purpose'),
  ongoing: () => new DtmOngoingError('not yet, on purpose'),
  broken: () => new Error('broken on purpose'),
} as const;

/** The troubles that participants have with each transaction. */
export class Troubles {
  readonly #byGid = new Map<string, Trouble[]>();

  plan(gid: string, troubles: readonly Trouble[]): void {
    this.#byGid.set(gid, [...troubles]);
  }

  /** Throws the trouble that is planned for this call, if there is one. */
  meet({ gid, op }: { readonly gid: string; readonly op: string }): void {
    const waiting = this.#byGid.get(gid) ?? [];
    const index = waiting.findIndex((trouble) => trouble.op === op);
    if (index === -1) return;
    const [trouble] = waiting.splice(index, 1);
    throw ERRORS[trouble!.how]();
  }

  /** The second phase of XA is done by the module, so that its troubles can only come from the database. */
  inSecondPhaseOf<Tx>(xa: XaAdapter<Tx>): XaAdapter<Tx> {
    return {
      ...xa,
      commit: async (branch) => {
        this.meet({ ...branch, op: 'commit' });
        await xa.commit(branch);
      },
      rollback: async (branch) => {
        this.meet({ ...branch, op: 'rollback' });
        await xa.rollback(branch);
      },
    };
  }
}
