import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from '../tools/support/temporary-folder.mjs';
import { startGoOnBolt, startEmbedded } from './support/coordinators.mjs';
import { startLoad } from './support/go-load.mjs';
import { describeDisk, printMachine } from './support/machine.mjs';
import { median } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';

/** @import { BenchmarkOptions } from './run.mjs' */
/** @import { MeasuredCoordinator } from './support/coordinators.mjs' */

/** Text in the list of benchmarks. */
export const description = 'time to finish pending transactions after their participants return, compared with Go dtm';

/** Least speed-up compared with Go dtm. */
const target = 5;

/** Time-out for a coordinator. */
const maxSeconds = 600;

/**
 * Measures, prints the results and compares them with the target.
 *
 * @param {BenchmarkOptions} options
 * @returns {Promise<boolean>}
 */
export async function run({ quick }) {
  const { count, rounds } = quick ? { count: 500, rounds: 1 } : { count: 10_000, rounds: 3 };
  printMachine('undici', 'libsql');
  console.log(`Durability: both fsync before they answer (${describeDisk(temporaryFolder('bench'))})`);
  console.log(
    `${count} sagas with two branches are submitted while the participants are down; the participants return 5 s later.\n`,
  );
  const rows = [];
  const ratios = [];
  for (let round = 0; round < rounds; round++) {
    const embedded = await secondsToFinish(await startEmbedded(), count);
    const go = await secondsToFinish(await startGoOnBolt(), count);
    ratios.push(go / embedded);
    rows.push([String(round + 1), embedded.toFixed(1), go.toFixed(1), (go / embedded).toFixed(1)]);
  }
  printTable(['round', 'embedded, SQLite: s', 'Go dtm, boltdb: s', 'ratio'], rows);
  const ratio = median(ratios);
  const met = ratio >= target;
  console.log(
    `\nMedian ${ratio.toFixed(1)}, target ${target} ${met ? 'met' : 'missed'}. Each branch was called until it succeeded, and not again.`,
  );
  return met;
}

/**
 * Measures the time from the return of the participants to the last branch call, in seconds.
 *
 * @param {MeasuredCoordinator} server
 * @param {number} count
 * @returns {Promise<number>}
 */
async function secondsToFinish(server, count) {
  const load = await startLoad();
  await load.calls('down');
  const { url } = server;
  const started = await load.run({ url, workload: 'start', connections: 16, seconds: maxSeconds, count, prefix: 'r' });
  if (started.count !== count)
    throw new Error(`${server.name} accepted ${started.count} of ${count}: ${started.firstError}`);
  await sleep(5000);
  const start = performance.now();
  await load.calls('up');
  while ((await load.calls()) < 2 * count) {
    if (performance.now() - start > maxSeconds * 1000)
      throw new Error(`${server.name} did not finish in ${maxSeconds} s`);
    await sleep(20);
  }
  const seconds = (performance.now() - start) / 1000;
  // extra calls would arrive now
  await sleep(1000);
  const calls = await load.calls();
  if (calls !== 2 * count) throw new Error(`${server.name} made ${calls} calls for ${2 * count} branches`);
  await server.stop();
  load.stop();
  return seconds;
}
