import { describe, expect, it } from 'vitest';
import { faultText, runExhaustively } from './exhaustive.js';
import type { Fault } from './faults/faults.js';
import { Report } from './report.js';
import { SMALL_SCENARIOS, type SmallScenario } from './scenarios/small-scenarios.js';

/** What leaves something half done. */
const isHalfDone = (fault: Fault): boolean => /crash|commit unknown/.test(fault);

async function runAll(
  scenario: SmallScenario,
  depth: number,
  isWanted?: (fault: Fault) => boolean,
): Promise<Report> {
  const report = new Report();
  for await (const { planned, result } of runExhaustively(scenario, depth, isWanted)) {
    const fault = planned.length > 0 ? ` --fault "${faultText(planned)}"` : '';
    report.add(`npm run simulate -- --scenario "${scenario.title}"${fault}`, result);
  }
  return report;
}

describe('a small transaction keeps every promise', () => {
  it.each(SMALL_SCENARIOS)('$title: whatever goes wrong once, wherever it can', async (scenario) => {
    const { failures, runs } = await runAll(scenario, 1);
    expect(failures).toEqual([]);
    expect(runs).toBeGreaterThan(20);
  });

  it.each(SMALL_SCENARIOS)('$title: wherever two processes die, one after the other', async (scenario) => {
    const { failures, runs, coverage } = await runAll(scenario, 2, isHalfDone);
    expect(failures).toEqual([]);
    expect(runs).toBeGreaterThan(50);
    expect(coverage.get('crash after write')).toBeGreaterThan(10);
  });
});
