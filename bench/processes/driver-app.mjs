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

/** Resolutions between two turns of the event loop, which lets other work run. */
const BATCH = 100;

/** @type {Record<string, () => Promise<string>>} */
const resolutions = {};
/** @type {(() => unknown)[]} */
const cleanups = [];
/** @type {Map<string, { address: string, listeners: (() => void)[] }>} */
const watched = new Map();

/**
 * Resolves a name as a new channel does, with the gRPC resolver of the target.
 *
 * @param {string} authority
 * @param {string} path
 * @param {string} [scheme]
 * @returns {Promise<string>}
 */
function resolveAsChannel(authority, path, scheme = 'etcd') {
  return new Promise((resolve, reject) => {
    const stop = listen(scheme, authority, path, (endpoints) => {
      stop();
      if (endpoints.ok) resolve(formatEndpoints(endpoints.value));
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
  const onEndpoints = (/** @type {Parameters<typeof listener>} */ ...[endpoints]) => {
    listener(endpoints);
    return true;
  };
  const resolver = grpc.experimental.createResolver({ scheme, authority, path }, onEndpoints, {});
  resolver.updateResolution();
  return () => resolver.destroy();
}

/** @param {readonly grpc.experimental.Endpoint[]} endpoints */
function formatEndpoints(endpoints) {
  return endpoints
    .flatMap(({ addresses }) => addresses)
    .map((address) => ('host' in address ? `${address.host}:${address.port}` : address.path))
    .join();
}

const handlers = {
  /**
   * Sets up gRPC names in etcd.
   *
   * @param {string} warm - authority with an open channel to the service
   * @param {string} direct - authority for a request per resolution
   * @param {string} service
   */
  startEtcd: async (warm, direct, service) => {
    const driver = goZeroDriver();
    await driver.registerGrpcResolver();
    await resolveAsChannel(warm, service);
    cleanups.push(
      listen('etcd', warm, service, () => undefined),
      () => driver.close?.(),
    );
    resolutions['gRPC name, watched'] = () => resolveAsChannel(warm, service);
    const client = new Etcd3({ hosts: `http://${direct}` });
    cleanups.push(() => client.close());
    resolutions['etcd3, request to etcd'] = async () =>
      Object.values(await client.getAll().prefix(`${service}/`)).join();
  },
  /**
   * Sets up HTTP names in Nacos.
   *
   * @param {string} warm - authority that the driver uses
   * @param {string} direct - authority for a request per resolution
   * @param {string} service
   */
  startNacos: async (warm, direct, service) => {
    const driver = springCloudDriver({ nacos: { hosts: warm } });
    const { http } = driver;
    if (!http) throw new Error('unreachable');
    cleanups.push(() => driver.close?.());
    const url = `nacos://${service}/out`;
    resolutions['HTTP name, watched'] = async () => new URL((await http.resolve(url)).url).host;
    await resolutions['HTTP name, watched']();
    const pool = new Pool(`http://${direct}`);
    cleanups.push(() => pool.close());
    const path = `/nacos/v1/ns/instance/list?serviceName=${service}&clusters=DEFAULT`;
    resolutions['undici, request to Nacos'] = async () => {
      const { body } = await pool.request({ method: 'GET', path });
      const { hosts } = /** @type {{ hosts: { ip: string, port: number }[] }} */ (await body.json());
      return hosts.map(({ ip, port }) => `${ip}:${port}`).join();
    };
  },
  /**
   * Resolves names for some seconds.
   *
   * @param {string} name - kind of resolution
   * @param {string} address - expected address
   * @param {number} inFlight
   * @param {number} seconds
   */
  run: async (name, address, inFlight, seconds) => {
    const resolve = resolutions[name];
    if (!resolve) throw new Error(`unknown resolution ${name}`);
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
   * Watches services like open channels.
   *
   * @param {RegistryName} scheme
   * @param {string} authority
   * @param {readonly string[]} services
   * @param {number} timeoutMs
   * @returns number of services with an address, and the time until the last one
   */
  watch: async (scheme, authority, services, timeoutMs) => {
    if (cleanups.length === 0) {
      const driver = goZeroDriver();
      await driver.registerGrpcResolver();
      cleanups.push(() => driver.close?.());
    }
    const start = performance.now();
    let took = 0;
    for (const service of services) {
      const one = { address: '', listeners: /** @type {(() => void)[]} */ ([]) };
      watched.set(service, one);
      const end = listen(scheme, authority, service, (endpoints) => {
        if (!endpoints.ok) return;
        if (one.address === '') took = performance.now() - start;
        one.address = formatEndpoints(endpoints.value);
        for (const notify of one.listeners) notify();
      });
      cleanups.unshift(end);
    }
    const answered = () => services.filter((service) => watched.get(service)?.address).length;
    while (answered() < services.length && performance.now() - start < timeoutMs) await sleep(10);
    return { answered: answered(), milliseconds: took };
  },
  /**
   * Waits until a watched service has an address.
   *
   * @param {string} service
   * @param {string} address
   * @param {number} timeoutMs
   * @returns {Promise<boolean>}
   */
  waitForAddress: async (service, address, timeoutMs) => {
    const one = watched.get(service);
    if (!one) throw new Error(`${service} is not watched`);
    const timeout = sleep(timeoutMs, false, { ref: false });
    const received = new Promise((/** @type {(isReceived: true) => void} */ resolve) => {
      const look = () => one.address === address && resolve(true);
      one.listeners = [look];
      look();
    });
    return Promise.race([received, timeout]);
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
  /** Closes all watches, drivers and clients. */
  close: async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
    watched.clear();
    for (const name of Object.keys(resolutions)) delete resolutions[name];
  },
};

/** @typedef {typeof handlers} DriverApp */

serve(handlers);
