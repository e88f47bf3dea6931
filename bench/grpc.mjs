import { join } from 'node:path';
import { temporaryFolder } from '../tools/support/temporary-folder.mjs';
import { startLoad } from './support/go-load.mjs';
import { describeDisk, printMachine } from './support/machine.mjs';
import { median, spread } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';
import { startWorker } from './support/worker.mjs';

/** @import { SagaApp } from './processes/saga-app.mjs' */
/** @import { BenchmarkOptions } from './run.mjs' */
/** @import { Worker } from './support/worker.mjs' */

/** Text in the list of benchmarks. */
export const description = 'sagas per second with two no-op branches over gRPC, compared with HTTP';

const target = 0.8;
const levels = [16, 64];
const transports = /** @type {const} */ (['http', 'grpc']);
const branches = 2;

/**
 * Measures, prints the results and compares them with the target.
 *
 * @param {BenchmarkOptions} options
 * @returns {Promise<boolean>} whether the target was met
 */
export async function run({ quick }) {
  const { rounds, seconds, warmUpSeconds } = quick
    ? { rounds: 2, seconds: 0.5, warmUpSeconds: 1 }
    : { rounds: 7, seconds: 4, warmUpSeconds: 5 };
  const folder = temporaryFolder('bench');
  printMachine('@grpc/grpc-js', 'undici', 'libsql');
  console.log(`Durability: every state is on disk before it is acknowledged (${describeDisk(folder)})`);
  console.log(`${rounds} rounds of ${seconds} s in turn, through DtmService and the embedded coordinator\n`);

  const load = await startLoad();
  /** @type {Worker<SagaApp>} */
  const app = await startWorker(new URL('processes/saga-app.mjs', import.meta.url), 'measured');
  await app.call('start', join(folder, 'dtm.db'), `http://${load.participants}`, load.participants);

  const subjects = levels.flatMap((inFlight) =>
    transports.map((over) => ({ inFlight, over, rounds: /** @type {Awaited<ReturnType<SagaApp['run']>>[]} */ ([]) })),
  );
  let sagas = 0;
  for (const over of transports) sagas += (await app.call('run', 16, warmUpSeconds, over)).sagas;
  for (let round = 0; round < rounds; round++) {
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      const measured = await app.call('run', subject.inFlight, seconds, subject.over);
      subject.rounds.push(measured);
      sagas += measured.sagas;
    }
  }
  const stored = await app.call('stored');
  const calls = await load.calls();
  await app.call('close');
  await app.stop();
  load.stop();
  if (stored.succeed !== sagas)
    throw new Error(`${sagas} sagas were reported, but the store has ${JSON.stringify(stored)}`);
  if (calls !== sagas * branches) throw new Error(`${sagas} sagas with ${branches} branches made ${calls} calls`);
  return report(subjects);
}

/**
 * @typedef {object} Subject
 * @property {number} inFlight
 * @property {'http' | 'grpc'} over
 * @property {Awaited<ReturnType<SagaApp['run']>>[]} rounds
 */

/**
 * @param {readonly Subject[]} subjects
 * @returns {boolean}
 */
function report(subjects) {
  printTable(
    ['branches, in flight', 'sagas/s (median)', 'lowest – highest', 'p50 ms', 'p99 ms', 'cpu µs/saga', 'core busy'],
    subjects.map(({ over, inFlight, rounds }) => {
      const perSecond = rounds.map((round) => round.perSecond);
      return [
        `${over}, ${inFlight}`,
        median(perSecond).toFixed(0),
        spread(perSecond, (value) => value.toFixed(0)),
        median(rounds.map(({ p50 }) => p50)).toFixed(2),
        median(rounds.map(({ p99 }) => p99)).toFixed(2),
        median(rounds.map(({ busy, perSecond: rate }) => (busy / rate) * 1e6)).toFixed(0),
        `${(median(rounds.map(({ busy }) => busy)) * 100).toFixed(0)} %`,
      ];
    }),
  );
  const ratios = levels.map((inFlight) => {
    const [http, grpc] = transports.map((over) =>
      subjects.find((one) => one.over === over && one.inFlight === inFlight),
    );
    return median(
      (grpc?.rounds ?? []).map(({ perSecond }, round) => perSecond / (http?.rounds[round]?.perSecond ?? NaN)),
    );
  });
  console.log();
  printTable(
    ['gRPC / HTTP, median of the rounds', 'throughput', 'target'],
    ratios.map((ratio, index) => [
      `${levels[index]} in flight`,
      ratio.toFixed(2),
      `${target} ${ratio >= target ? 'met' : 'missed'}`,
    ]),
  );
  return ratios.every((ratio) => ratio >= target);
}
