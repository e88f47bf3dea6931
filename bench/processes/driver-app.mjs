import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as grpc from '@grpc/grpc-js';
import { Etcd3 } from 'etcd3';
import { goZeroDriver } from 'nestjs-dtm/driver/gozero';
import { springCloudDriver } from 'nestjs-dtm/driver/springcloud';
import { Pool } from 'undici';
import { cpuSeconds, serve } from '../support/worker.mjs';

/** @import { RegistryName } from '../support/registries.mjs' */

setFlagsFromString('--expose-gc');
const collect = /** @type {() => void} */ (runInNewContext('gc'));

/** Resolutions without a turn of the event loop, in which others have theirs. */
const BATCH = 100;

/** @type {Record<string, () => Promise<string>>} */
const resolutions = {};
/** @type {(() => unknown)[]} */
const ends = [];
/** @type {Map<string, { address: string, told: (() => void)[] }>} */
const watched = new Map();

/**
 * What a new channel does to learn its addresses: gRPC's resolver of its target.
 *
 * @param {string} authority
 * @param {string} path
 * @param {string} [scheme]
 * @returns {Promise<string>}
 */
function asChannel(authority, path, scheme = 'etcd') {
  return new Promise((resolve, reject) => {
    const stop = listen(scheme, authority, path, (endpoints) => {
      stop();
      if (endpoints.ok) resolve(written(endpoints.value));
      else reject(new Error(endpoints.error.details));
    });
  });
}

/**
 * @param {string} scheme
 * @param {string} authority
 * @param {string} path
 * @param {(endpoints: Parameters<grpc.experimental.ResolverListener>[0]) => void} listener
 */
function listen(scheme, authority, path, listener) {
  const told = (/** @type {Parameters<typeof listener>} */ ...[endpoints]) => {
    listener(endpoints);
    return true;
  };
  const resolver = grpc.experimental.createResolver({ scheme, authority, path }, told, {});
  resolver.updateResolution();
  return () => resolver.destroy();
}

/** @param {readonly grpc.experimental.Endpoint[]} endpoints */
function written(endpoints) {
  return endpoints
    .flatMap(({ addresses }) => addresses)
    .map((address) => ('host' in address ? `${address.host}:${address.port}` : address.path))
    .join();
}

const handlers = {
  /**
   * Names of gRPC, in etcd.
   *
   * @param {string} warm - a channel to the service is open here, and others are opened
   * @param {string} direct - asked each time
   * @param {string} service
   */
  startEtcd: async (warm, direct, service) => {
    const driver = goZeroDriver();
    await driver.registerGrpcResolver();
    await asChannel(warm, service);
    ends.push(
      listen('etcd', warm, service, () => undefined),
      () => driver.close?.(),
    );
    resolutions['gRPC name, watched'] = () => asChannel(warm, service);
    const client = new Etcd3({ hosts: `http://${direct}` });
    ends.push(() => client.close());
    resolutions['etcd3, asking etcd'] = async () => Object.values(await client.getAll().prefix(`${service}/`)).join();
  },
  /**
   * Names of HTTP, in Nacos.
   *
   * @param {string} warm - asked by the driver
   * @param {string} direct - asked each time
   * @param {string} service
   */
  startNacos: async (warm, direct, service) => {
    const driver = springCloudDriver({ nacos: { hosts: warm } });
    const { http } = driver;
    if (!http) throw new Error('unreachable');
    ends.push(() => driver.close?.());
    const url = `nacos://${service}/out`;
    resolutions['HTTP name, watched'] = async () => new URL((await http.resolve(url)).url).host;
    await resolutions['HTTP name, watched']();
    const pool = new Pool(`http://${direct}`);
    ends.push(() => pool.close());
    const path = `/nacos/v1/ns/instance/list?serviceName=${service}&clusters=DEFAULT`;
    resolutions['undici, asking Nacos'] = async () => {
      const { body } = await pool.request({ method: 'GET', path });
      const { hosts } = /** @type {{ hosts: { ip: string, port: number }[] }} */ (await body.json());
      return hosts.map(({ ip, port }) => `${ip}:${port}`).join();
    };
  },
  /**
   * Resolves for a while.
   *
   * @param {string} name - by what
   * @param {string} address - expected
   * @param {number} inFlight
   * @param {number} seconds
   */
  run: async (name, address, inFlight, seconds) => {
    const resolve = resolutions[name];
    if (!resolve) throw new Error(`there is no ${name}`);
    let count = 0;
    const cpuBefore = cpuSeconds();
    const start = performance.now();
    const end = start + seconds * 1000;
    const loop = async () => {
      while (performance.now() < end) {
        for (let resolved = 0; resolved < BATCH && performance.now() < end; resolved++) {
          const answer = await resolve();
          if (answer !== address) throw new Error(`${name} found ${answer}`);
          count += 1;
        }
        await turn();
      }
    };
    await Promise.all(Array.from({ length: inFlight }, loop));
    const took = (performance.now() - start) / 1000;
    const cpu = cpuSeconds() - cpuBefore;
    return { count, perSecond: count / took, cpuMicroseconds: (cpu * 1e6) / count, busy: cpu / took };
  },
  /**
   * Watches services, as open channels do.
   *
   * @param {RegistryName} scheme
   * @param {string} authority
   * @param {readonly string[]} services
   * @param {number} patienceMs
   * @returns how many have an address in the end, and how long that took
   */
  watch: async (scheme, authority, services, patienceMs) => {
    if (ends.length === 0) {
      const driver = goZeroDriver();
      await driver.registerGrpcResolver();
      ends.push(() => driver.close?.());
    }
    const start = performance.now();
    let took = 0;
    for (const service of services) {
      const one = { address: '', told: /** @type {(() => void)[]} */ ([]) };
      watched.set(service, one);
      const end = listen(scheme, authority, service, (endpoints) => {
        if (!endpoints.ok) return;
        if (one.address === '') took = performance.now() - start;
        one.address = written(endpoints.value);
        for (const tell of one.told) tell();
      });
      ends.unshift(end);
    }
    const answered = () => services.filter((service) => watched.get(service)?.address).length;
    while (answered() < services.length && performance.now() - start < patienceMs) await sleep(10);
    return { answered: answered(), milliseconds: took };
  },
  /**
   * Waits until a service that is watched has an address.
   *
   * @param {string} service
   * @param {string} address
   * @param {number} patienceMs
   * @returns {Promise<boolean>}
   */
  hears: async (service, address, patienceMs) => {
    const one = watched.get(service);
    if (!one) throw new Error(`${service} is not watched`);
    const late = sleep(patienceMs, false, { ref: false });
    const hears = new Promise((/** @type {(heard: true) => void} */ resolve) => {
      const look = () => one.address === address && resolve(true);
      one.told = [look];
      look();
    });
    return Promise.race([hears, late]);
  },
  /** Resident memory and live objects, in KiB. */
  memory: async () => {
    for (let round = 0; round < 5; round++) {
      collect();
      await sleep(50);
    }
    const { rss, heapUsed, external } = process.memoryUsage();
    return { rss: rss / 1024, live: (heapUsed + external) / 1024 };
  },
  /** Ends everything. */
  close: async () => {
    for (const end of ends.splice(0)) await end();
    watched.clear();
    for (const name of Object.keys(resolutions)) delete resolutions[name];
  },
};

/** @typedef {typeof handlers} DriverApp */

serve(handlers);
