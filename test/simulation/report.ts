import type { Coverage } from './simulation.js';
import type { RunResult } from './simulated-system.js';

/** Summary of many runs. */
export class Report {
  readonly coverage: Coverage = new Map();
  runs = 0;
  events = 0;
  /** Simulated milliseconds. */
  duration = 0;
  readonly failures: { readonly name: string; readonly message: string }[] = [];
  readonly #start = performance.now();

  /** @param name - the command, or option, that repeats the run */
  add(name: string, { events, duration, coverage, violation }: RunResult): void {
    this.runs += 1;
    this.events += events;
    this.duration += duration;
    for (const [what, count] of coverage) this.coverage.set(what, (this.coverage.get(what) ?? 0) + count);
    if (violation) this.failures.push({ name, message: violation.message });
  }

  /** Summary in one line. */
  get summary(): string {
    const seconds = (performance.now() - this.#start) / 1000;
    const rate = (count: number): string => `${Math.round(count / seconds).toLocaleString('en')}/s`;
    return (
      `${this.runs} runs (${rate(this.runs)}), ${this.events.toLocaleString('en')} events (${rate(this.events)}), ` +
      `${Math.round(this.duration / 3_600_000)} simulated hours in ${seconds.toFixed(1)} s, ${this.failures.length} failures`
    );
  }

  /** Lines with the count of each fault and outcome, and the failures. */
  get details(): string {
    const width = Math.max(...[...this.coverage.keys()].map((what) => what.length));
    const counts = [...this.coverage]
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([what, count]) => `  ${what.padEnd(width)} ${count}`);
    const failures = this.failures.map(({ name, message }) => `${name}\n  ${message}`);
    return [...counts, ...failures].join('\n');
  }
}
