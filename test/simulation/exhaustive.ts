import type { Fault } from './faults/faults.js';
import { PlannedFaults, type PlannedFault } from './faults/planned-faults.js';
import { Report } from './report.js';
import { smallScenario, type SmallScenario } from './scenarios/small-scenarios.js';
import { SimulatedSystem, type RunResult } from './simulated-system.js';

/** A run of the exhaustive mode with its planned faults. */
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
  const result = await new SimulatedSystem(smallScenario(scenario, faults), { keepsTrace }).run();
  return { scenario, planned, result, further: faults.further };
}

/**
 * Runs a scenario without faults, then once for each possible fault at each point of the run.
 *
 * @param scenario - a small scenario, because it runs hundreds of times
 * @param depth - most faults in one run
 * @param isWanted - selects the kinds of faults
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

/** Runs a scenario exhaustively and collects a report. Takes the parameters of {@link runExhaustively}. */
export async function reportOf(...args: Parameters<typeof runExhaustively>): Promise<Report> {
  const report = new Report();
  for await (const { scenario, planned, result } of runExhaustively(...args)) {
    const fault = planned.length > 0 ? ` --fault "${faultText(planned)}"` : '';
    report.add(`npm run simulate -- --scenario "${scenario.title}"${fault}`, result);
  }
  return report;
}

/** Text of the planned faults, for reports and for `--fault`. */
export function faultText(planned: readonly PlannedFault[]): string {
  return planned.map(({ fault, number }) => `${fault} ${number}`).join(', ');
}

/**
 * Parses the text that {@link faultText} writes.
 *
 * @throws Error when the text is invalid
 */
export function parseFaults(text: string): PlannedFault[] {
  return text.split(', ').map((part) => {
    const [, fault, number] = /^(.+) (\d+)$/.exec(part) ?? [];
    if (!fault)
      throw new Error(
        `${JSON.stringify(part)} is not a fault; expected a name and a number, for example "crash after write 3"`,
      );
    return { fault: fault as Fault, number: Number(number) };
  });
}
