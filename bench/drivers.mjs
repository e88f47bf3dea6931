import { setTimeout as sleep } from 'node:timers/promises';
import { isAvailable } from '../test/services/availability.mjs';
import { requireOrSkip } from '../test/services/require-or-skip.mjs';
import { printMachine } from './support/machine.mjs';
import { startRegistry } from './support/registries.mjs';
import { median, spread } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';
import { startWorker } from './support/worker.mjs';

/** @import { DriverApp } from './processes/driver-app.mjs' */
/** @import { RegistryProxy } from './processes/registry-proxy.mjs' */
/** @import { BenchmarkOptions } from './run.mjs' */
/** @import { Registry, RegistryName } from './support/registries.mjs' */
/** @import { Worker } from './support/worker.mjs' */

/** Text in the list of benchmarks. */
export const description = 'names resolved by watches, compared with requests to the registry; 1,000 watched services';

/** Least resolutions per second by a watch, and most connections to etcd. */
const targets = { perSecond: 10_000, connections: 1 };

const inFlight = 32;
const service = 'bank';
const address = '10.0.0.1:36790';

/** Resolution by a watch, and by a request for each name. */
const pairs = /** @type {const} */ ([
  { registry: 'etcd', start: 'startEtcd', warm: 'gRPC name, watched', direct: 'etcd3, request to etcd' },
  { registry: 'nacos', start: 'startNacos', warm: 'HTTP name, watched', direct: 'undici, request to Nacos' },
]);

/** Most requests of a watch to Nacos. */
const pollsPerSecond = 2;

/**
 * Measures, prints the results and compares them with the targets.
 *
 * @param {BenchmarkOptions} options
 * @returns {Promise<boolean>} whether the targets were met
 */
export async function run({ quick }) {
  const { rounds, seconds, services, changes } = quick
    ? { rounds: 2, seconds: 0.5, services: 100, changes: 3 }
    : { rounds: 7, seconds: 3, services: 1000, changes: 10 };
  printMachine('@grpc/grpc-js', 'etcd3', 'undici');
  console.log(`${rounds} rounds of ${seconds} s in turn, ${inFlight} in flight; real registries\n`);

  const names = /** @type {const} */ (['etcd', 'consul', 'nacos']);
  for (const name of names) {
    const { available, title } = requireOrSkip(name);
    if (!available) console.log(`Skipped: ${title(`measurements on ${name}`)}\n`);
  }
  /** @type {Worker<RegistryProxy>} */
  const proxy = await startWorker(new URL('processes/registry-proxy.mjs', import.meta.url), 'load');
  const met = [await resolutions(proxy, rounds, seconds)];
  console.log();
  met.push(await watches(proxy, names.filter(isAvailable), services, changes));
  await proxy.stop();
  return met.every(Boolean);
}

/**
 * @param {Worker<RegistryProxy>} proxy
 * @param {number} rounds
 * @param {number} seconds
 */
async function resolutions(proxy, rounds, seconds) {
  /** @type {Worker<DriverApp>} */
  const app = await startWorker(new URL('processes/driver-app.mjs', import.meta.url), 'measured');
  /** @type {Registry[]} */
  const registries = [];
  const subjects = [];
  for (const { registry: name, start, warm, direct } of pairs.filter(({ registry }) => isAvailable(registry))) {
    const registry = await startRegistry[name]();
    registries.push(registry);
    await registry.put(service, address);
    const port = await startProxy(proxy, name, registry);
    await app.call(start, `127.0.0.1:${port}`, `${registry.host}:${registry.port}`, service);
    /** @type {Awaited<ReturnType<DriverApp['run']>>[][]} */
    const [watched, asked] = [[], []];
    subjects.push({ name: warm, registry: name, port, measured: watched ?? [], requests: 0 });
    subjects.push({ name: direct, registry: name, port, measured: asked ?? [], requests: 0 });
  }

  const names = subjects.map(({ name }) => name);
  for (const name of names) await app.call('run', name, address, inFlight, Math.max(1, seconds / 2));
  for (let round = 0; round < rounds; round++) {
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      const before = await proxy.call('counts', subject.port);
      subject.measured.push(await app.call('run', subject.name, address, inFlight, seconds));
      subject.requests += (await proxy.call('counts', subject.port)).requests - before.requests;
    }
  }
  await app.call('close');
  await app.stop();
  for (const { stop } of registries) await stop();

  for (const { name, registry, requests } of subjects) {
    const most = registry === 'etcd' ? 0 : rounds * (1 + seconds * pollsPerSecond);
    if (requests > most) throw new Error(`${requests} requests reached ${registry} while ${name} was measured`);
  }
  return reportResolutions(subjects);
}

/**
 * @typedef {object} Subject
 * @property {string} name
 * @property {Awaited<ReturnType<DriverApp['run']>>[]} measured
 * @property {number} requests - requests of the watch during the rounds
 */

/** @param {readonly Subject[]} subjects */
function reportResolutions(subjects) {
  const isWarm = new Set(pairs.map(({ warm }) => /** @type {string} */ (warm)));
  printTable(
    ['resolved by', 'per second (median)', 'lowest – highest', 'cpu µs', 'core busy', 'resolutions', 'requests'],
    subjects.map(({ name, measured, requests }) => {
      const perSecond = measured.map((round) => round.perSecond);
      const count = measured.reduce((sum, round) => sum + round.count, 0);
      return [
        name,
        median(perSecond).toFixed(0),
        spread(perSecond, (value) => value.toFixed(0)),
        median(measured.map(({ cpuMicroseconds }) => cpuMicroseconds)).toFixed(1),
        `${(median(measured.map(({ busy }) => busy)) * 100).toFixed(0)} %`,
        String(count),
        String(isWarm.has(name) ? requests : count),
      ];
    }),
  );
  console.log();
  const found = pairs.flatMap(({ warm, direct }) => {
    const [watched, asked] = [warm, direct].map((name) => subjects.find((subject) => subject.name === name));
    if (!watched || !asked) return [];
    const perSecond = median(watched.measured.map((round) => round.perSecond));
    const ratio = median(
      watched.measured.map((round, index) => round.perSecond / (asked.measured[index]?.perSecond ?? Number.NaN)),
    );
    return { warm, direct, perSecond, ratio };
  });
  printTable(
    ['', 'per second', 'target', 'ratio, median of the rounds'],
    found.map(({ warm, direct, perSecond, ratio }) => [
      `${warm} / ${direct}`,
      perSecond.toFixed(0),
      `${targets.perSecond} ${perSecond >= targets.perSecond ? 'met' : 'missed'}`,
      ratio.toFixed(1),
    ]),
  );
  return found.every(({ perSecond }) => perSecond >= targets.perSecond);
}

/**
 * @param {Worker<RegistryProxy>} proxy
 * @param {readonly RegistryName[]} names
 * @param {number} count
 * @param {number} changes
 */
async function watches(proxy, names, count, changes) {
  const results = [];
  for (const name of names) {
    const registry = await startRegistry[name]();
    results.push(await watchMany(proxy, name, registry, count, changes));
    await registry.stop();
  }
  printTable(
    [`${count} services`, 'with an address', 'after s', 'connections, highest', 'change received, ms', 'highest'],
    results.map(({ name, answered, milliseconds, connections, received }) => [
      name,
      String(answered),
      (milliseconds / 1000).toFixed(2),
      `${connections.open}, ${connections.highest}`,
      median(received).toFixed(1),
      Math.max(...received).toFixed(1),
    ]),
  );
  console.log();
  printTable(
    ['services', '0: RSS MiB', '1', String(count), '0 again', 'RSS per service, KiB', 'live per service, KiB'],
    results.map(({ name, memory: { none, one, all, after } }) => [
      name,
      ...[none, one, all, after].map(({ rss }) => (rss / 1024).toFixed(1)),
      ((all.rss - one.rss) / (count - 1)).toFixed(1),
      ((all.live - one.live) / (count - 1)).toFixed(1),
    ]),
  );
  const etcd = results.find(({ name }) => name === 'etcd');
  if (!etcd) return true;
  const { highest } = etcd.connections;
  const isMet = highest <= targets.connections;
  console.log();
  printTable(
    ['', 'measured', 'target'],
    [
      [
        `connections to etcd for ${count} services`,
        String(highest),
        `${targets.connections} ${isMet ? 'met' : 'missed'}`,
      ],
    ],
  );
  return isMet;
}

/**
 * @param {Worker<RegistryProxy>} proxy
 * @param {RegistryName} name
 * @param {Registry} registry
 * @param {number} count
 * @param {number} changes
 */
async function watchMany(proxy, name, registry, count, changes) {
  const services = Array.from({ length: count }, (_, index) => `bank-${index}`);
  for (let first = 0; first < count; first += inFlight) {
    await Promise.all(services.slice(first, first + inFlight).map((one) => registry.put(one, address)));
  }
  const port = await startProxy(proxy, name, registry);
  const authority = `127.0.0.1:${port}`;
  /** @type {Worker<DriverApp>} */
  const app = await startWorker(new URL('processes/driver-app.mjs', import.meta.url), 'measured');

  const none = await app.call('memory');
  const [first = '', ...others] = services;
  await app.call('watch', name, authority, [first], 10_000);
  const one = await app.call('memory');
  const { answered, milliseconds } = await app.call('watch', name, authority, others, 30_000);
  await waitUntilStable(proxy, port);
  const all = await app.call('memory');
  const connections = await proxy.call('counts', port);

  const received = [];
  for (let change = 0; change < changes; change++) {
    const changed = services[Math.floor(((change + 0.5) * count) / changes)] ?? first;
    const next = `10.0.1.${change}:36790`;
    const start = performance.now();
    await registry.put(changed, next);
    if (!(await app.call('waitForAddress', changed, next, 20_000)))
      throw new Error(`${name}: the change of ${changed} was not received`);
    received.push(performance.now() - start);
  }
  await app.call('close');
  const after = await app.call('memory');
  const { open } = await proxy.call('counts', port);
  await app.stop();
  if (open > 0) throw new Error(`${open} connections to ${name} are still open after close`);
  return { name, answered: answered + 1, milliseconds, connections, received, memory: { none, one, all, after } };
}

/**
 * Waits until no more requests arrive: etcd accepts watches one by one. Requests to Nacos never stop, so the wait is limited.
 *
 * @param {Worker<RegistryProxy>} proxy
 * @param {number} port
 */
async function waitUntilStable(proxy, port) {
  let before = -1;
  for (let look = 0; look < 20; look++) {
    const { requests } = await proxy.call('counts', port);
    if (requests === before) return;
    before = requests;
    await sleep(500);
  }
}

/**
 * @param {Worker<RegistryProxy>} proxy
 * @param {RegistryName} name
 * @param {Registry} registry
 */
function startProxy(proxy, name, { host, port }) {
  return proxy.call('start', host, port, name === 'etcd' ? 'grpc' : 'http1');
}
