import { join } from 'node:path';
import { temporaryFolder } from '../tools/support/temporary-folder.mjs';
import { startEmbedded } from './support/coordinators.mjs';
import { startLoad } from './support/go-load.mjs';
import { describeDisk, printMachine } from './support/machine.mjs';
import { median } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';
import { startWorker } from './support/worker.mjs';

/** @import { StoreProcess } from './processes/store.mjs' */
/** @import { BenchmarkOptions } from './run.mjs' */
/** @import { Worker } from './support/worker.mjs' */

/** Text in the list of benchmarks. */
export const description = 'throughput and memory with a million finished and with 100,000 unfinished transactions';

/** Least throughput relative to an empty store, most memory in MiB, and most time of a claim relative to a small store. */
const targets = { throughput: 0.85, finishedMiB: 250, unfinishedMiB: 400, claim: 4 };

/**
 * Measures, prints the results and compares them with the targets.
 *
 * @param {BenchmarkOptions} options
 * @returns {Promise<boolean>}
 */
export async function run({ quick }) {
  const { finished, unfinished, rounds, seconds } = quick
    ? { finished: 10_000, unfinished: 1000, rounds: 1, seconds: 1 }
    : { finished: 1_000_000, unfinished: 100_000, rounds: 5, seconds: 5 };
  const folder = temporaryFolder('bench');
  printMachine('undici', 'libsql');
  console.log(`Durability: every state is on disk before it is acknowledged (${describeDisk(folder)})\n`);
  const met = [
    await withFinished(folder, finished, rounds, seconds),
    await withUnfinished(unfinished),
    await claimTimes(folder, quick ? [1000, 10_000] : [1000, 10_000, 100_000, 1_000_000]),
  ];
  return met.every(Boolean);
}

/**
 * @param {string} folder
 * @param {number} count
 * @param {number} rounds
 * @param {number} seconds
 */
async function withFinished(folder, count, rounds, seconds) {
  const path = join(folder, 'full.db');
  /** @type {Worker<StoreProcess>} */
  const filler = await startWorker(new URL('processes/store.mjs', import.meta.url), 'load');
  await filler.call('fill', path, count, 'succeed');
  await filler.stop();

  const load = await startLoad();
  const servers = [await startEmbedded(), await startEmbedded(path)];
  /** @type {number[][]} */
  const results = [[], []];
  for (let round = -1; round < rounds; round++) {
    for (const [index, { url }] of round % 2 === 0 ? [...servers.entries()] : [...servers.entries()].toReversed()) {
      const report = await load.run({ url, workload: 'saga', connections: 16, seconds, prefix: `m${round}-` });
      if (report.errors > 0) throw new Error(`${report.errors} errors, e.g. ${report.firstError}`);
      if (round >= 0) results[index]?.push(report.count / report.seconds);
    }
  }
  const [empty = [], full = []] = results;
  const ratio = median(full.map((value, round) => value / (empty[round] ?? Number.NaN)));
  const rss = servers[1]?.rssMiB() ?? Number.NaN;
  for (const server of servers) await server.stop();
  load.stop();
  printTable(
    ['sagas/s, 16 in flight', 'median'],
    [
      ['empty store', median(empty).toFixed(0)],
      [`${count} finished in the store`, median(full).toFixed(0)],
    ],
  );
  return reportTargets([
    [
      `throughput with ${count} finished / empty`,
      ratio.toFixed(2),
      `${targets.throughput}`,
      ratio >= targets.throughput,
    ],
    [
      `resident memory with ${count} finished, MiB`,
      rss.toFixed(0),
      `${targets.finishedMiB}`,
      rss < targets.finishedMiB,
    ],
  ]);
}

/** @param {number} count */
async function withUnfinished(count) {
  const load = await startLoad();
  const server = await startEmbedded();
  await load.calls('down');
  const { url } = server;
  let highest = 0;
  const timer = setInterval(() => (highest = Math.max(highest, server.rssMiB())), 100);
  const report = await load.run({ url, workload: 'start', connections: 64, seconds: 600, count, prefix: 'f' });
  if (report.count !== count) throw new Error(`${report.count} of ${count} were accepted: ${report.firstError}`);
  highest = Math.max(highest, server.rssMiB());
  clearInterval(timer);
  await server.stop();
  load.stop();
  return reportTargets([
    [
      `highest resident memory with ${count} unfinished, MiB`,
      highest.toFixed(0),
      `${targets.unfinishedMiB}`,
      highest < targets.unfinishedMiB,
    ],
  ]);
}

/**
 * @param {string} folder
 * @param {readonly number[]} sizes
 */
async function claimTimes(folder, sizes) {
  const rows = [];
  for (const size of sizes) {
    /** @type {Worker<StoreProcess>} */
    const worker = await startWorker(new URL('processes/store.mjs', import.meta.url), 'measured');
    await worker.call('fill', join(folder, `claims-${size}.db`), size, 'submitted');
    rows.push({ size, milliseconds: await worker.call('claim') });
    await worker.stop();
  }
  printTable(
    ['unfinished, none or 64 of them due', 'claim without result, ms', 'claim of 64, ms'],
    rows.map(({ size, milliseconds }) => [String(size), milliseconds.none.toFixed(3), milliseconds.some.toFixed(3)]),
  );
  const ratio = (rows.at(-1)?.milliseconds.some ?? Number.NaN) / (rows[0]?.milliseconds.some ?? Number.NaN);
  return reportTargets([
    [
      `claim with ${sizes.at(-1)} / with ${sizes[0]} unfinished`,
      ratio.toFixed(2),
      `${targets.claim}`,
      ratio <= targets.claim,
    ],
  ]);
}

/** @param {readonly (readonly [name: string, value: string, target: string, isMet: boolean])[]} rows */
function reportTargets(rows) {
  console.log();
  printTable(
    ['', 'measured', 'target'],
    rows.map(([name, value, target, isMet]) => [name, value, `${target} ${isMet ? 'met' : 'missed'}`]),
  );
  console.log();
  return rows.every(([, , , isMet]) => isMet);
}
