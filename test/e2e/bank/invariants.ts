import { expect } from 'vitest';
import type { DtmApi, TransactionRecord } from 'nestjs-dtm/protocol';
import type { Bank } from './bank.js';

const FORWARD = ['action', 'try', 'confirm', 'msg'];
const UNDO: Record<string, string> = { compensate: 'action', cancel: 'try', rollback: 'action' };

/** Lists all transactions of the coordinator. */
export async function allTransactions(api: DtmApi): Promise<TransactionRecord[]> {
  const transactions: TransactionRecord[] = [];
  let position: string | undefined = '';
  do {
    const page = await api.all({ position, limit: 100 });
    transactions.push(...page.transactions);
    position = page.nextPosition;
  } while (position);
  return transactions;
}

/** Whether every transaction is final. */
export async function areAllFinal(api: DtmApi): Promise<boolean> {
  return (await allTransactions(api)).every(({ status }) => status === 'succeed' || status === 'failed');
}

/**
 * Checks that money is conserved, that each transaction took effect completely or not at all, that no effect occurred
 * twice, and that none occurred after its undo.
 */
export async function expectConsistent(
  banks: readonly Bank[],
  transactions: readonly TransactionRecord[],
  total: number,
): Promise<void> {
  const totals = await Promise.all(banks.map((bank) => bank.total()));
  expect(totals.reduce((sum, { balance }) => sum + balance, 0)).toBe(total);
  expect(totals.reduce((sum, { frozen }) => sum + frozen, 0)).toBe(0);

  const statuses = new Map(transactions.map(({ gid, status }) => [gid, status]));
  for (const bank of banks) {
    const rows = await bank.ledger();
    const perGid = groupByGid(rows);
    for (const [gid, effects] of perGid) {
      const keys = effects.map(({ branch_id, op }) => `${branch_id} ${op}`);
      expect(new Set(keys).size, `${gid}: duplicate effects: ${keys.join(', ')}`).toBe(keys.length);
      const status = statuses.get(gid);
      const net = effects.reduce((sum, { amount }) => sum + amount, 0);
      if (status === 'succeed') {
        expect(
          effects.every(({ op }) => FORWARD.includes(op)),
          `${gid} succeeded, effects ${keys.join(', ')}`,
        ).toBe(true);
      } else {
        expect(net, `${gid} is ${status}, effects ${keys.join(', ')}`).toBe(0);
      }
      for (const { op, branch_id, id } of effects) {
        const origin = UNDO[op];
        if (!origin) continue;
        const undone = effects.find((effect) => effect.op === origin && effect.branch_id === branch_id);
        expect(undone?.id, `${gid}: ${op} of branch ${branch_id} without an earlier ${origin}`).toBeLessThan(id);
      }
    }
    const missing = [...statuses].filter(([gid, status]) => status === 'succeed' && !perGid.has(gid));
    expect(missing, 'succeeded without any effect').toEqual([]);
  }
}

function groupByGid<T extends { gid: string }>(rows: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) groups.set(row.gid, [...(groups.get(row.gid) ?? []), row]);
  return groups;
}
