import { join } from 'node:path';
import { temporaryFolder } from '../tools/support/temporary-folder.mjs';
import { describeDisk, printMachine } from './support/machine.mjs';
import { median, spread } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';
import { startWorker } from './support/worker.mjs';

/** @import { OwnBranchesApp } from './processes/own-branches-app.mjs' */
/** @import { BenchmarkOptions } from './run.mjs' */
/** @import { Worker } from './support/worker.mjs' */

/** Text in the list of benchmarks. */
export const description =
  'sagas per second with two own no-op branches, called in process against over HTTP, in memory and on SQLite';

const inFlight = 16;
const branches = 2;

/** The first is compared with the second, Nest's default; the third is for information. */
const variants = /** @type {const} */ ([
  ['in-process', 'express'],
  ['http', 'express'],
  ['http', 'fastify'],
]);

/** The ratio that each store must reach. */
const targets = { memory: 5, SQLite: 1.5 };

/**
 * An application under test with its measurements.
 *
 * @typedef {object} Subject
 * @property {string} title
 * @property {Worker<OwnBranchesApp>} app
 * @property {number} sagas
 * @property {Awaited<ReturnType<OwnBranchesApp['run']>>[]} rounds
 */

/**
 * Measures, prints the results and compares them with the targets.
 *
 * @param {BenchmarkOptions} options
 * @returns {Promise<boolean>} whether the targets were met
 */
export async function run({ quick }) {
  const { rounds, seconds, warmUpSeconds } = quick
    ? { rounds: 2, seconds: 0.5, warmUpSeconds: 1 }
    : { rounds: 7, seconds: 4, warmUpSeconds: 8 };
  const folder = temporaryFolder('bench');
  printMachine('@nestjs/core', 'express', 'fastify', 'undici', 'libsql');
  console.log(
    `Durability: in memory none; on SQLite every state is on disk before it is acknowledged (${describeDisk(folder)})`,
  );
  console.log(`${rounds} rounds of ${seconds} s, ${inFlight} in flight, in turn; the load waits for each saga\n`);

  const rows = [];
  let met = true;
  for (const [store, target] of Object.entries(targets)) {
    /** @type {Subject[]} */
    const subjects = [];
    for (const [route, platform] of variants) {
      /** @type {Worker<OwnBranchesApp>} */
      const app = await startWorker(new URL('processes/own-branches-app.mjs', import.meta.url), 'measured');
      const title = route === 'http' ? `HTTP, ${platform}` : 'in process';
      await app.call(
        'start',
        route,
        platform,
        ...(store === 'SQLite' ? [join(folder, `${route}-${platform}.db`)] : []),
      );
      subjects.push({ title, app, sagas: (await app.call('run', inFlight, warmUpSeconds)).sagas, rounds: [] });
    }
    for (let round = 0; round < rounds; round++) {
      for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
        const measured = await subject.app.call('run', inFlight, seconds);
        subject.rounds.push(measured);
        subject.sagas += measured.sagas;
      }
    }
    for (const subject of subjects) await finish(subject);
    const [inProcess, express, fastify] = subjects.map((subject) =>
      median(subject.rounds.map(({ perSecond }) => perSecond)),
    );
    const ratio = (inProcess ?? 0) / (express ?? 1);
    const ofFastify = (inProcess ?? 0) / (fastify ?? 1);
    met &&= ratio >= target;
    rows.push(...subjects.map((subject) => rowOf(store, subject)));
    rows.push([store, 'ratio to Express', ratio.toFixed(2), `target ${target}`, '', '']);
    rows.push([store, 'ratio to Fastify', ofFastify.toFixed(2), 'no target', '', '']);
  }
  printTable(['store', 'branches', 'sagas/s (median)', 'lowest – highest', 'p50 ms', 'core busy'], rows);
  console.log('\nAll sagas succeeded, in the store as well; each branch was called exactly once.');
  if (!met) console.log('A target was missed.');
  return met;
}

/** @param {Subject} subject */
async function finish({ app, sagas }) {
  const { succeed = 0, ...others } = await app.call('stored');
  const calls = await app.call('calls');
  if (succeed !== sagas || Object.keys(others).length > 0) {
    throw new Error(`${sagas} sagas were reported as succeeded, but ${succeed} are stored: ${JSON.stringify(others)}`);
  }
  if (calls !== sagas * branches) throw new Error(`${sagas} sagas with ${branches} branches made ${calls} calls`);
  await app.call('close');
  await app.stop();
}

/**
 * @param {string} store
 * @param {Subject} subject
 */
function rowOf(store, { title, rounds }) {
  const perSecond = rounds.map((round) => round.perSecond);
  return [
    store,
    title,
    median(perSecond).toFixed(0),
    spread(perSecond, (value) => value.toFixed(0)),
    median(rounds.map(({ p50 }) => p50)).toFixed(2),
    `${(median(rounds.map(({ busy }) => busy)) * 100).toFixed(0)} %`,
  ];
}
