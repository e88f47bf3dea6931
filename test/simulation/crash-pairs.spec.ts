import { describe, expect, it } from 'vitest';
import { reportOf } from './exhaustive.js';
import type { Fault } from './faults/faults.js';
import { SMALL_SCENARIOS } from './scenarios/small-scenarios.js';

/** Crashes before and after durable writes, and after effects that other processes have seen. */
const CRASHES: ReadonlySet<Fault> = new Set([
  'crash before write',
  'crash after write',
  'crash after call',
  'client crash after request',
]);

describe('a small transaction keeps all invariants with any two crashes', () => {
  it.each(SMALL_SCENARIOS)('$title', async (scenario) => {
    const { failures, runs, coverage } = await reportOf(scenario, 2, (fault) => CRASHES.has(fault));
    expect(failures).toEqual([]);
    expect(runs).toBeGreaterThan(50);
    expect(coverage.get('crash after write')).toBeGreaterThan(10);
  });
});
