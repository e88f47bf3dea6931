import { parseArgs } from 'node:util';
import { faultsIn, runPlanned } from './exhaustive.js';
import { Report } from './report.js';
import { randomScenario } from './scenarios/random-scenario.js';
import { SMALL_SCENARIOS } from './scenarios/small-scenarios.js';
import { World, type RunResult } from './world.js';

const USAGE = `npm run simulate -- --seed N                       one run, everything that happens in it
npm run simulate -- --seeds COUNT [--from N]       many runs, what happened in them
npm run simulate -- --scenario TITLE --fault TEXT  one run of the exhaustive mode, e.g. "a saga, exclusive" "crash after write 3"
npm run simulate -- --scenarios                    the titles`;

const OPTIONS = {
  seed: { type: 'string' },
  seeds: { type: 'string' },
  from: { type: 'string', default: '0' },
  scenario: { type: 'string' },
  scenarios: { type: 'boolean' },
  fault: { type: 'string' },
} as const;

/** Enough to see what is wrong. */
const MOST_FAILURES = 20;

/**
 * The command `npm run simulate`.
 *
 * @param args - of the command line
 * @returns exit code: 1 when an invariant does not hold, 2 when the arguments make no sense
 */
export async function simulate(args: string[]): Promise<number> {
  try {
    const { values } = parseArgs({ args, options: OPTIONS });
    if (values.seed) return show(await new World(randomScenario(wholeNumber(values.seed)), { keepsTrace: true }).run());
    if (values.seeds) return await runMany(wholeNumber(values.from), wholeNumber(values.seeds));
    if (values.scenarios) {
      console.log(SMALL_SCENARIOS.map(({ title }) => title).join('\n'));
      return 0;
    }
    const scenario = SMALL_SCENARIOS.find(({ title }) => title === values.scenario);
    if (!scenario) throw new Error(values.scenario ? `there is no scenario ${values.scenario}` : 'nothing to do');
    return show((await runPlanned(scenario, values.fault ? faultsIn(values.fault) : [], true)).result);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`${JSON.stringify(text)} is not a whole number`);
  return Number(text);
}

async function runMany(from: number, count: number): Promise<number> {
  const report = new Report();
  for (let seed = from; seed < from + count && report.failures.length < MOST_FAILURES; seed++) {
    report.add(`--seed ${seed}`, await new World(randomScenario(seed)).run());
  }
  console.log(`${report.details}\nseeds ${from} to ${from + report.runs - 1}: ${report.summary}`);
  return report.failures.length > 0 ? 1 : 0;
}

function show({ trace, violation, hash, events }: RunResult): number {
  console.log(`${trace}\n${events} events, hash ${hash}`);
  console.log(violation ? `violated: ${violation.message}` : 'all invariants hold');
  return violation ? 1 : 0;
}
