import { describe, expect, it } from 'vitest';
import { reportOf } from './exhaustive.js';
import { SMALL_SCENARIOS } from './scenarios/small-scenarios.js';

describe('a small transaction keeps all invariants with any single fault', () => {
  it.each(SMALL_SCENARIOS)('$title', async (scenario) => {
    const { failures, runs } = await reportOf(scenario, 1);
    expect(failures).toEqual([]);
    expect(runs).toBeGreaterThan(20);
  });
});
