import type { OutgoingBranchCall, Transport } from 'nestjs-dtm/client';
import type { Outcome } from 'nestjs-dtm/protocol';

type Branch = 'nothing' | 'reserved' | 'done' | 'undone';

/**
 * In-memory participants behind a barrier. Duplicates count once; an undo before its action is remembered; an action after
 * its undo has no effect.
 */
export class BankTransport implements Transport {
  /** State of each branch, by gid and branch id. */
  readonly #branches = new Map<string, Branch>();
  /** Operations that fail, e.g. `03 action`. */
  readonly #refusals: ReadonlySet<string>;
  /** Answer to the query-back of a message: whether the local transaction committed. */
  isCommitted = false;
  /** Calls in order, e.g. `01 action`. */
  readonly keys: string[] = [];

  constructor(...refusals: readonly string[]) {
    this.#refusals = new Set(refusals);
  }

  /** States of the branches of a transaction. */
  branchesOf(gid: string): Record<string, Branch> {
    const own = [...this.#branches].filter(([key]) => key.startsWith(`${gid}/`));
    return Object.fromEntries(own.map(([key, branch]) => [key.slice(gid.length + 1), branch]));
  }

  async call({ context: { gid, branchId, op } }: OutgoingBranchCall): Promise<Outcome> {
    this.keys.push(`${branchId} ${op}`);
    if (op === 'msg') return this.isCommitted ? { kind: 'success', body: '' } : { kind: 'failure', message: 'no' };
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
    case 'commit':
      if (branch === 'reserved' || branch === 'done') return 'done';
      throw new Error(`${op} of a branch that is ${branch}`);
    default:
      if (op !== 'compensate' && branch === 'done') throw new Error(`${op} of a branch that was confirmed`);
      return 'undone';
  }
}
