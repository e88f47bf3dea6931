import { parseArgs } from 'node:util';
import { parseFaults, runPlanned } from './exhaustive.js';
import { Report } from './report.js';
import { randomScenario } from './scenarios/random-scenario.js';
import { SMALL_SCENARIOS } from './scenarios/small-scenarios.js';
import { SimulatedSystem, type RunResult } from './simulated-system.js';

const USAGE = `npm run simulate -- --seed N                       one run, with its trace
npm run simulate -- --seeds COUNT [--from N]       many runs, with a summary
npm run simulate -- --scenario TITLE --fault TEXT  one run of the exhaustive mode, e.g. "a saga, exclusive" "crash after write 3"
npm run simulate -- --scenarios                    lists the titles`;

const OPTIONS = {
  seed: { type: 'string' },
  seeds: { type: 'string' },
  from: { type: 'string', default: '0' },
  scenario: { type: 'string' },
  scenarios: { type: 'boolean' },
  fault: { type: 'string' },
} as const;

/** The command stops after this many failed runs. */
const MAX_FAILURES = 20;

/**
 * The command `npm run simulate`.
 *
 * @param args - arguments of the command line
 * @returns exit code: 1 when an invariant is violated, 2 when the arguments are invalid
 */
export async function simulate(args: string[]): Promise<number> {
  try {
    const { values } = parseArgs({ args, options: OPTIONS });
    if (values.seed)
      return printRun(await new SimulatedSystem(randomScenario(wholeNumber(values.seed)), { keepsTrace: true }).run());
    if (values.seeds) return await runMany(wholeNumber(values.from), wholeNumber(values.seeds));
    if (values.scenarios) {
      console.log(SMALL_SCENARIOS.map(({ title }) => title).join('\n'));
      return 0;
    }
    const scenario = SMALL_SCENARIOS.find(({ title }) => title === values.scenario);
    if (!scenario)
      throw new Error(
        values.scenario
          ? `scenario "${values.scenario}" does not exist; --scenarios lists the titles`
          : 'missing option',
      );
    return printRun((await runPlanned(scenario, values.fault ? parseFaults(values.fault) : [], true)).result);
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
  for (let seed = from; seed < from + count && report.failures.length < MAX_FAILURES; seed++) {
    report.add(`--seed ${seed}`, await new SimulatedSystem(randomScenario(seed)).run());
  }
  console.log(`${report.details}\nseeds ${from} to ${from + report.runs - 1}: ${report.summary}`);
  return report.failures.length > 0 ? 1 : 0;
}

function printRun({ trace, violation, hash, events }: RunResult): number {
  console.log(`${trace}\n${events} events, hash ${hash}`);
  console.log(violation ? `violated: ${violation.message}` : 'all invariants hold');
  return violation ? 1 : 0;
}
