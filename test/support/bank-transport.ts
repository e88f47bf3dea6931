import type { BranchCall, Transport } from 'nestjs-dtm/client';
import type { Outcome } from 'nestjs-dtm/protocol';

type Branch = 'nothing' | 'reserved' | 'done' | 'undone';

/**
 * Participants with a barrier, as the protocol asks of them: duplicates count once, an undo without its do is remembered,
 * a do that comes after its undo has no effect.
 */
export class BankTransport implements Transport {
  /** Where each branch stands, by gid and branch id. */
  readonly #branches = new Map<string, Branch>();
  /** Forward operations that refuse, e.g. `03 action`. */
  readonly #refusals: ReadonlySet<string>;
  /** Calls in order, e.g. `01 action`. */
  readonly keys: string[] = [];

  constructor(...refusals: readonly string[]) {
    this.#refusals = new Set(refusals);
  }

  /** Where the branches of a transaction stand. */
  branchesOf(gid: string): Record<string, Branch> {
    const own = [...this.#branches].filter(([key]) => key.startsWith(`${gid}/`));
    return Object.fromEntries(own.map(([key, branch]) => [key.slice(gid.length + 1), branch]));
  }

  async call({ context: { gid, branchId, op } }: BranchCall): Promise<Outcome> {
    this.keys.push(`${branchId} ${op}`);
    const key = `${gid}/${branchId}`;
    const branch = this.#branches.get(key) ?? 'nothing';
    if (this.#refusals.has(`${branchId} ${op}`)) return { kind: 'failure', message: 'no money' };
    this.#branches.set(key, next(branch, op));
    return { kind: 'success', body: '' };
  }

  async close(): Promise<void> {}
}

function next(branch: Branch, op: string): Branch {
  switch (op) {
    case 'action':
      return branch === 'nothing' ? 'done' : branch;
    case 'try':
      return branch === 'nothing' ? 'reserved' : branch;
    case 'confirm':
      if (branch === 'reserved' || branch === 'done') return 'done';
      throw new Error(`confirm of a branch where ${branch} was done`);
    default:
      if (op === 'cancel' && branch === 'done') throw new Error('cancel of a branch that was confirmed');
      return 'undone';
  }
}
