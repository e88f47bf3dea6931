import { describe, expect, test } from 'vitest';
import { InFlightBranches } from '../../../lib/nest/branch/serve/in-flight-branches.js';

describe('InFlightBranches', () => {
  test('closes at once when nothing runs', async () => {
    const gate = new InFlightBranches();
    gate.enter();
    gate.leave();
    gate.check();
    await gate.close();
    const refusal = expect.objectContaining({ status: 503 }) as Error;
    expect(() => gate.check()).toThrow(refusal);
    expect(() => gate.enter()).toThrow(refusal);
  });

  test('waits for the last method', async () => {
    const gate = new InFlightBranches();
    gate.enter();
    gate.enter();
    let closed = false;
    const closing = gate.close().then(() => (closed = true));
    gate.leave();
    expect(() => gate.enter()).toThrow();
    await Promise.resolve();
    expect(closed).toBe(false);
    gate.leave();
    await closing;
    expect(closed).toBe(true);
  });
});
