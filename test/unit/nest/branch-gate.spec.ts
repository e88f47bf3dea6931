import { describe, expect, test } from 'vitest';
import { BranchGate } from '../../../lib/nest/branch/branch-gate.js';

describe('BranchGate', () => {
  test('closes at once when nothing runs', async () => {
    const gate = new BranchGate();
    await gate.run(() => Promise.resolve());
    await gate.close();
    await expect(gate.run(() => Promise.resolve())).rejects.toMatchObject({ status: 503 });
  });

  test('waits for the last handler, failed ones too', async () => {
    const gate = new BranchGate();
    const ends: (() => void)[] = [];
    const first = gate.run(() => new Promise<void>((resolve) => ends.push(resolve)));
    const second = gate.run(() => new Promise<void>((_resolve, reject) => ends.push(() => reject(new Error('no')))));
    let closed = false;
    const closing = gate.close().then(() => (closed = true));
    ends[1]!();
    await expect(second).rejects.toThrow('no');
    expect(closed).toBe(false);
    ends[0]!();
    await first;
    await closing;
    expect(closed).toBe(true);
  });
});
