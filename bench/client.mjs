import { printMachine } from './support/machine.mjs';
import { median, spread } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';
import { startWorker } from './support/worker.mjs';

/** @import { ClientApp } from './processes/client-app.mjs' */
/** @import { Participants } from './processes/participants.mjs' */
/** @import { BenchmarkOptions } from './run.mjs' */
/** @import { Worker } from './support/worker.mjs' */

/** Text in the list of benchmarks. */
export const description = 'sagas submitted by DtmService, compared with hand-written calls that send the same bytes';

const target = 0.9;
const inFlight = 32;
const pairs = /** @type {const} */ ([
  ['DtmService over HTTP', 'undici'],
  ['DtmService over gRPC', 'grpc-js'],
]);

/**
 * Measures, prints the results and compares them with the target.
 *
 * @param {BenchmarkOptions} options
 * @returns {Promise<boolean>} whether the target was met
 */
export async function run({ quick }) {
  const { rounds, seconds, warmUpSeconds } = quick
    ? { rounds: 3, seconds: 0.3, warmUpSeconds: 0.5 }
    : { rounds: 9, seconds: 3, warmUpSeconds: 4 };
  printMachine('@nestjs/core', 'undici', '@grpc/grpc-js');
  console.log(`${rounds} rounds of ${seconds} s in turn, ${inFlight} in flight; the coordinator stores nothing\n`);

  /** @type {Worker<Participants>} */
  const coordinator = await startWorker(new URL('processes/participants.mjs', import.meta.url), 'load');
  /** @type {Worker<ClientApp>} */
  const client = await startWorker(new URL('processes/client-app.mjs', import.meta.url), 'measured');
  await client.call('start', await coordinator.call('start'), await coordinator.call('startGrpc'));

  const subjects = pairs.flat().map((name) => ({
    name,
    rounds: /** @type {Awaited<ReturnType<ClientApp['run']>>[]} */ ([]),
  }));
  let sagas = 0;
  for (const { name } of subjects) sagas += (await client.call('run', name, inFlight, warmUpSeconds)).sagas;
  for (let round = 0; round < rounds; round++) {
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      const measured = await client.call('run', subject.name, inFlight, seconds);
      subject.rounds.push(measured);
      sagas += measured.sagas;
    }
  }
  const calls = await coordinator.call('calls');
  await client.call('close');
  await Promise.all([client.stop(), coordinator.stop()]);
  if (calls !== sagas) throw new Error(`${sagas} sagas were submitted, but ${calls} arrived`);

  printTable(
    ['client', 'sagas/s (median)', 'lowest – highest', 'cpu µs/saga', 'core busy'],
    subjects.map(({ name, rounds: measured }) => [
      name,
      median(measured.map(({ perSecond }) => perSecond)).toFixed(0),
      spread(
        measured.map(({ perSecond }) => perSecond),
        (value) => value.toFixed(0),
      ),
      median(measured.map(({ cpuMicroseconds }) => cpuMicroseconds)).toFixed(1),
      `${(median(measured.map(({ busy }) => busy)) * 100).toFixed(0)} %`,
    ]),
  );
  const ratios = pairs.map((pair) => {
    const [service, plain] = pair.map((name) => subjects.find((subject) => subject.name === name)?.rounds ?? []);
    return median((service ?? []).map(({ perSecond }, round) => perSecond / (plain?.[round]?.perSecond ?? Number.NaN)));
  });
  console.log();
  printTable(
    ['ratio, median of the rounds', 'throughput', 'target'],
    pairs.map(([service, plain], index) => [
      `${service} / ${plain}`,
      (ratios[index] ?? Number.NaN).toFixed(2),
      `${target} ${(ratios[index] ?? 0) >= target ? 'met' : 'missed'}`,
    ]),
  );
  return ratios.every((ratio) => ratio >= target);
}
