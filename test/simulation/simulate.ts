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

/** Enough to see what is wrong. */
const MOST_FAILURES = 20;

/**
 * The command `npm run simulate`.
 *
 * @param args - of the command line
 * @returns exit code: 1 when an invariant does not hold, 2 when the arguments make no sense
 */
export async function simulate(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string' },
      from: { type: 'string', default: '0' },
      scenario: { type: 'string' },
      scenarios: { type: 'boolean' },
      fault: { type: 'string' },
    },
  });
  if (values.seed) return show(await new World(randomScenario(Number(values.seed)), { keepsTrace: true }).run());
  if (values.seeds) return runMany(Number(values.from), Number(values.seeds));
  if (values.scenarios) {
    console.log(SMALL_SCENARIOS.map(({ title }) => title).join('\n'));
    return 0;
  }
  const scenario = SMALL_SCENARIOS.find(({ title }) => title === values.scenario);
  if (scenario) return show((await runPlanned(scenario, values.fault ? faultsIn(values.fault) : [], true)).result);
  console.error(USAGE);
  return 2;
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
