import type { Fault } from './faults/faults.js';
import { PlannedFaults, type PlannedFault } from './faults/planned-faults.js';
import { Report } from './report.js';
import { smallScenario, type SmallScenario } from './scenarios/small-scenarios.js';
import { World, type RunResult } from './world.js';

/** A run of the exhaustive mode, and what was planned to go wrong in it. */
export interface PlannedRun {
  readonly scenario: SmallScenario;
  readonly planned: readonly PlannedFault[];
  readonly result: RunResult;
}

/** Runs a scenario with exactly the planned faults. */
export async function runPlanned(
  scenario: SmallScenario,
  planned: readonly PlannedFault[],
  keepsTrace = false,
): Promise<PlannedRun & { readonly further: readonly PlannedFault[] }> {
  const faults = new PlannedFaults(planned);
  const result = await new World(smallScenario(scenario, faults), { keepsTrace }).run();
  return { scenario, planned, result, further: faults.further };
}

/**
 * Runs a scenario without faults, and then once for everything that can go wrong at every point where it can.
 *
 * @param scenario - small, for it is run hundreds of times
 * @param depth - how many faults may come together
 * @param isWanted - kinds of faults to try
 */
export async function* runExhaustively(
  scenario: SmallScenario,
  depth: number,
  isWanted: (fault: Fault) => boolean = () => true,
): AsyncGenerator<PlannedRun> {
  yield* explore([]);

  async function* explore(planned: readonly PlannedFault[]): AsyncGenerator<PlannedRun> {
    const run = await runPlanned(scenario, planned);
    yield run;
    if (planned.length === depth || run.result.violation) return;
    for (const next of run.further) if (isWanted(next.fault)) yield* explore([...planned, next]);
  }
}

/** Runs a scenario exhaustively, and reports on it. Parameters as for {@link runExhaustively}. */
export async function reportOf(...args: Parameters<typeof runExhaustively>): Promise<Report> {
  const report = new Report();
  for await (const { scenario, planned, result } of runExhaustively(...args)) {
    const fault = planned.length > 0 ? ` --fault "${faultText(planned)}"` : '';
    report.add(`npm run simulate -- --scenario "${scenario.title}"${fault}`, result);
  }
  return report;
}

/** How a planned run is named in reports, and asked for again. */
export function faultText(planned: readonly PlannedFault[]): string {
  return planned.map(({ fault, number }) => `${fault} ${number}`).join(', ');
}

/**
 * Reads what {@link faultText} wrote.
 *
 * @throws Error when it cannot be one
 */
export function faultsIn(text: string): PlannedFault[] {
  return text.split(', ').map((part) => {
    const [, fault, number] = /^(.+) (\d+)$/.exec(part) ?? [];
    if (!fault) throw new Error(`${JSON.stringify(part)} is not a fault and a number, such as "crash after write 3"`);
    return { fault: fault as Fault, number: Number(number) };
  });
}
