import { temporaryFolder } from '../tools/support/temporary-folder.mjs';
import { startEmbedded } from './support/coordinators.mjs';
import { startLoad } from './support/go-load.mjs';
import { describeDisk, printMachine } from './support/machine.mjs';
import { median } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';

/** @import { BenchmarkOptions } from './run.mjs' */

/** Text in the list of benchmarks. */
export const description = 'memory of the coordinator over ten minutes at half of its throughput';

/** Most memory of the last third relative to the second third. */
const target = 1.05;

/**
 * Measures, prints the results and compares them with the target.
 *
 * @param {BenchmarkOptions} options
 * @returns {Promise<boolean>}
 */
export async function run({ quick }) {
  const seconds = quick ? 6 : 600;
  printMachine('undici', 'libsql');
  console.log(
    `Durability: every state is on disk before it is acknowledged (${describeDisk(temporaryFolder('bench'))})\n`,
  );
  const load = await startLoad();
  const server = await startEmbedded();
  const { url } = server;
  const full = await load.run({ url, workload: 'saga', connections: 64, seconds: quick ? 2 : 15, prefix: 'full' });
  const rate = full.count / full.seconds / 2;

  /** @type {number[]} */
  const memory = [];
  const timer = setInterval(() => memory.push(server.rssMiB()), 500);
  const half = await load.run({ url, workload: 'saga', connections: 64, seconds, rate, prefix: 'half' });
  clearInterval(timer);
  await server.stop();
  load.stop();
  if (full.errors + half.errors > 0) throw new Error(`errors, e.g. ${full.firstError ?? half.firstError}`);

  const third = Math.floor(memory.length / 3);
  const thirds = [0, 1, 2].map((index) => median(memory.slice(index * third, (index + 1) * third)));
  const ratio = (thirds[2] ?? Number.NaN) / (thirds[1] ?? Number.NaN);
  printTable(
    ['minutes', 'resident memory, MiB (median)'],
    thirds.map((value, index) => [
      `${((index * seconds) / 180).toFixed(1)} – ${(((index + 1) * seconds) / 180).toFixed(1)}`,
      value.toFixed(0),
    ]),
  );
  console.log(
    `\n${half.count} sagas at ${rate.toFixed(0)}/s, started by the clock; p50 ${half.p50} ms, p99 ${half.p99} ms, p99.9 ${half.p999} ms`,
  );
  const met = ratio <= target;
  console.log(`Last third / second third: ${ratio.toFixed(3)}, target ${target} ${met ? 'met' : 'missed'}.`);
  return met;
}
