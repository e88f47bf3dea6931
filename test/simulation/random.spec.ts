import { describe, expect, it } from 'vitest';
import { CALL_FAULTS, TIMED_FAULTS, READ_FAULTS, REQUEST_FAULTS, WRITE_FAULTS } from './faults/faults.js';
import { Report } from './report.js';
import { randomScenario } from './scenarios/random-scenario.js';
import { SimulatedSystem } from './simulated-system.js';

/** Seeds of every test run: a change that breaks one of them fails at once. */
const FIXED_SEEDS = 2000;

/**
 * Seeds that once violated an invariant: a failed pass called a branch that waited for a call slot; a transaction that
 * was due for another branch probed an unreachable target at its own interval.
 */
const FOUND_SEEDS = [539_639_341, 2_076_892_861];

/** Time for new random seeds. */
const SECONDS = Number(process.env['DTM_SIMULATION_SECONDS'] ?? 20);

/** Outcomes that must occur, beside the faults, to exercise the invariants. */
const OUTCOMES = [
  ...['saga', 'tcc', 'xa', 'msg', 'workflow'].flatMap((mode) => [`${mode} succeed`, `${mode} failed`]),
  'msg waits',
  'saga waits',
  'queued writes lost',
  'queued writes kept',
  'write after process death',
  'deleted',
  'log: transaction needs attention',
  'log: circuit breaker opened: the target does not answer',
  'log: circuit breaker closed: the target answers again',
  'log: polling for due transactions failed',
  'deferred transaction woken',
];

async function runSeed(report: Report, seed: number): Promise<void> {
  report.add(`npm run simulate -- --seed ${seed}`, await new SimulatedSystem(randomScenario(seed)).run());
}

describe('random transactions under random faults', () => {
  it(`keep all invariants for ${FIXED_SEEDS} fixed seeds, which cover every fault and outcome`, async () => {
    const report = new Report();
    for (let seed = 0; seed < FIXED_SEEDS; seed++) await runSeed(report, seed);
    console.log(`seeds 0 to ${FIXED_SEEDS - 1}: ${report.summary}`);
    expect(report.failures).toEqual([]);
    const wanted = [...WRITE_FAULTS, ...READ_FAULTS, ...CALL_FAULTS, ...REQUEST_FAULTS, ...TIMED_FAULTS, ...OUTCOMES];
    expect(wanted.filter((what) => !report.coverage.has(what))).toEqual([]);
  });

  it.each(FOUND_SEEDS)('keep all invariants for seed %i', async (seed) => {
    const report = new Report();
    await runSeed(report, seed);
    expect(report.failures).toEqual([]);
  });

  it(`keep all invariants for new seeds during ${SECONDS} s`, async () => {
    const report = new Report();
    const first = Math.floor(Math.random() * 2 ** 31);
    const end = performance.now() + SECONDS * 1000;
    let seed = first;
    while (performance.now() < end && report.failures.length === 0) await runSeed(report, seed++);
    console.log(`seeds ${first} to ${seed - 1}: ${report.summary}`);
    expect(report.failures).toEqual([]);
  });
});
