import { describe, expect, it } from 'vitest';
import { reportOf } from './exhaustive.js';
import type { Fault } from './faults/faults.js';
import { SMALL_SCENARIOS } from './scenarios/small-scenarios.js';

/** Deaths around what is durable, and those behind something that others have seen. */
const HALF_DONE: ReadonlySet<Fault> = new Set([
  'crash before write',
  'crash after write',
  'crash after call',
  'client crash after request',
]);

describe('a small transaction keeps every promise, wherever two processes die one after the other', () => {
  it.each(SMALL_SCENARIOS)('$title', async (scenario) => {
    const { failures, runs, coverage } = await reportOf(scenario, 2, (fault) => HALF_DONE.has(fault));
    expect(failures).toEqual([]);
    expect(runs).toBeGreaterThan(50);
    expect(coverage.get('crash after write')).toBeGreaterThan(10);
  });
});
