import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from '../tools/support/temporary-folder.mjs';
import { startGoOnBolt, startOurs } from './support/coordinators.mjs';
import { startLoad } from './support/go-load.mjs';
import { describeDisk, printMachine } from './support/machine.mjs';
import { median } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';

/** @import { BenchmarkOptions } from './run.mjs' */
/** @import { MeasuredCoordinator } from './support/coordinators.mjs' */

/** What `bench` shows of it. */
export const description =
  'time until unfinished transactions are final once their participants come back, against Go dtm';

/** At least so many times sooner. */
const target = 5;

/** Longest wait for a coordinator. */
const maxSeconds = 600;

/**
 * Measures, prints and checks the target.
 *
 * @param {BenchmarkOptions} options
 * @returns {Promise<boolean>}
 */
export async function run({ quick }) {
  const { count, rounds } = quick ? { count: 500, rounds: 1 } : { count: 10_000, rounds: 3 };
  printMachine('undici', 'libsql');
  console.log(`Durability: both fsync before they answer (${describeDisk(temporaryFolder('bench'))})`);
  console.log(
    `${count} sagas of two branches are submitted while nobody serves their branches; 5 s later somebody does.\n`,
  );
  const rows = [];
  const ratios = [];
  for (let round = 0; round < rounds; round++) {
    const ours = await drained(await startOurs(), count);
    const theirs = await drained(await startGoOnBolt(), count);
    ratios.push(theirs / ours);
    rows.push([String(round + 1), ours.toFixed(1), theirs.toFixed(1), (theirs / ours).toFixed(1)]);
  }
  printTable(['round', 'ours, SQLite: s', 'Go, boltdb: s', 'times sooner'], rows);
  const ratio = median(ratios);
  const met = ratio >= target;
  console.log(
    `\nMedian ${ratio.toFixed(1)}, target ${target} ${met ? 'met' : 'missed'}. Each branch was called until it succeeded, and then no more.`,
  );
  return met;
}

/**
 * Seconds from the participants' return to the last branch.
 *
 * @param {MeasuredCoordinator} server
 * @param {number} count
 * @returns {Promise<number>}
 */
async function drained(server, count) {
  const load = await startLoad();
  await load.calls('down');
  const { url } = server;
  const started = await load.run({ url, workload: 'start', connections: 16, seconds: maxSeconds, count, prefix: 'r' });
  if (started.count !== count)
    throw new Error(`${server.name} took ${started.count} of ${count}: ${started.firstError}`);
  await sleep(5000);
  const start = performance.now();
  await load.calls('up');
  while ((await load.calls()) < 2 * count) {
    if (performance.now() - start > maxSeconds * 1000)
      throw new Error(`${server.name} was not done in ${maxSeconds} s`);
    await sleep(20);
  }
  const seconds = (performance.now() - start) / 1000;
  // whatever is called once too often would come now
  await sleep(1000);
  const calls = await load.calls();
  if (calls !== 2 * count) throw new Error(`${server.name} made ${calls} calls for ${2 * count} branches`);
  await server.stop();
  load.stop();
  return seconds;
}
