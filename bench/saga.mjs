import { join } from 'node:path';
import { temporaryFolder } from '../tools/support/temporary-folder.mjs';
import { describeDisk, printMachine } from './support/machine.mjs';
import { median, spread } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';
import { startWorker } from './support/worker.mjs';

/** @import { Participants } from './processes/participants.mjs' */
/** @import { SagaApp } from './processes/saga-app.mjs' */
/** @import { BenchmarkOptions } from './run.mjs' */
/** @import { Worker } from './support/worker.mjs' */

/** Text in the list of benchmarks. */
export const description =
  'sagas per second with two no-op HTTP branches through DtmService and the embedded coordinator on SQLite';

const levels = [1, 16, 64];
const branches = 2;

/**
 * Measures and prints the results; there is no target.
 *
 * @param {BenchmarkOptions} options
 * @returns {Promise<boolean>}
 */
export async function run({ quick }) {
  const { rounds, seconds, warmUpSeconds } = quick
    ? { rounds: 2, seconds: 0.5, warmUpSeconds: 1 }
    : { rounds: 7, seconds: 5, warmUpSeconds: 10 };
  const folder = temporaryFolder('bench');
  printMachine('@nestjs/core', 'undici', 'libsql');
  console.log(
    `Durability: every state is on disk before it is acknowledged; concurrent writes share an fsync (${describeDisk(folder)})`,
  );
  console.log(
    `${rounds} rounds of ${seconds} s, ${levels.join(', ')} in flight in turn; the load waits for each saga\n`,
  );

  /** @type {Worker<Participants>} */
  const participants = await startWorker(new URL('processes/participants.mjs', import.meta.url), 'load');
  /** @type {Worker<SagaApp>} */
  const app = await startWorker(new URL('processes/saga-app.mjs', import.meta.url), 'measured');
  await app.call('start', join(folder, 'dtm.db'), await participants.call('start'));

  let { sagas } = await app.call('run', 16, warmUpSeconds);
  const results = levels.map((inFlight) => ({
    inFlight,
    rounds: /** @type {Awaited<ReturnType<SagaApp['run']>>[]} */ ([]),
  }));
  for (let round = 0; round < rounds; round++) {
    for (const result of round % 2 === 0 ? results : results.toReversed()) {
      const measured = await app.call('run', result.inFlight, seconds);
      result.rounds.push(measured);
      sagas += measured.sagas;
    }
  }
  check(sagas, await app.call('stored'), await participants.call('calls'));
  await app.call('close');
  await Promise.all([app.stop(), participants.stop()]);
  report(results);
  console.log(`\nAll ${sagas} sagas succeeded, in the store as well; each branch was called exactly once.`);
  return true;
}

/**
 * @param {number} sagas
 * @param {Record<string, number>} stored
 * @param {number} calls
 */
function check(sagas, stored, calls) {
  const { succeed = 0, ...others } = stored;
  if (succeed !== sagas || Object.keys(others).length > 0) {
    throw new Error(`${sagas} sagas were reported as succeeded, but the store has ${JSON.stringify(stored)}`);
  }
  if (calls !== sagas * branches) throw new Error(`${sagas} sagas with ${branches} branches made ${calls} calls`);
}

/** @param {readonly { inFlight: number, rounds: readonly Awaited<ReturnType<SagaApp['run']>>[] }[]} results */
function report(results) {
  const rows = results.map(({ inFlight, rounds }) => {
    const perSecond = rounds.map((round) => round.perSecond);
    return [
      String(inFlight),
      median(perSecond).toFixed(0),
      spread(perSecond, (value) => value.toFixed(0)),
      median(rounds.map(({ p50 }) => p50)).toFixed(2),
      median(rounds.map(({ p99 }) => p99)).toFixed(2),
      `${(median(rounds.map(({ busy }) => busy)) * 100).toFixed(0)} %`,
    ];
  });
  printTable(['in flight', 'sagas/s (median)', 'lowest – highest', 'p50 ms', 'p99 ms', 'core busy'], rows);
}
