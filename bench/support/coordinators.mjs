import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../tools/support/temporary-folder.mjs';
import { startDtm } from '../../test/services/dtm.mjs';
import { startRedis } from '../../test/services/redis.mjs';
import { earlierScript } from './earlier-version.mjs';
import { isPinned } from './pinning.mjs';
import { startWorker } from './worker.mjs';

/** @import { CoordinatorProcess } from '../processes/coordinator.mjs' */
/** @import { Worker } from './worker.mjs' */

/**
 * A coordinator in its own process, on the measured core.
 *
 * @typedef {object} MeasuredCoordinator
 * @property {string} name - name with durability
 * @property {string} url - base URL of the HTTP API
 * @property {() => number} rssMiB - resident memory of the process
 * @property {() => number} cpuSeconds - processor time so far, without that of Redis
 * @property {() => Promise<void>} stop
 */

/**
 * Starts the embedded coordinator with a durable store.
 *
 * @param {string} [path] - file of the store. Default: a new file.
 * @returns {Promise<MeasuredCoordinator>}
 */
export function startEmbedded(path = join(temporaryFolder('bench'), 'dtm.db')) {
  return startProcess(path, 'embedded, SQLite (fsync)', new URL('../processes/coordinator.mjs', import.meta.url));
}

/**
 * Starts an earlier version of the embedded coordinator with a durable store.
 *
 * @param {string} checkout - folder of the earlier version, built
 * @returns {Promise<MeasuredCoordinator>}
 */
export function startEarlier(checkout) {
  const script = earlierScript(checkout, 'processes/coordinator.mjs');
  return startProcess(join(temporaryFolder('bench'), 'dtm.db'), 'embedded before, SQLite (fsync)', script);
}

/**
 * @param {string} path
 * @param {string} name
 * @param {URL} script
 * @returns {Promise<MeasuredCoordinator>}
 */
async function startProcess(path, name, script) {
  /** @type {Worker<CoordinatorProcess>} */
  const worker = await startWorker(script, 'measured');
  const { url, pid } = await worker.call('start', path);
  return {
    name,
    url,
    ...usageOf(() => pid),
    stop: async () => {
      await worker.call('stop');
      await worker.stop();
    },
  };
}

/**
 * Starts Go dtm with its default store, which fsyncs every write.
 *
 * @returns {Promise<MeasuredCoordinator>}
 */
export async function startGoOnBolt() {
  return pinned('Go dtm, boltdb (fsync)', await startDtm({ env: { LOG_LEVEL: 'error' } }), []);
}

/**
 * Starts Go dtm with a Redis that writes nothing to disk.
 *
 * @returns {Promise<MeasuredCoordinator>}
 */
export async function startGoOnRedis() {
  const redis = await startRedis({ appendOnly: false });
  const dtm = await startDtm({ store: { driver: 'redis', ...redis }, env: { LOG_LEVEL: 'error' } });
  return pinned('Go dtm, Redis (memory)', dtm, [redis]);
}

/**
 * @param {string} name
 * @param {Awaited<ReturnType<typeof startDtm>>} dtm
 * @param {readonly { pid: () => number | undefined, stop: () => Promise<void> }[]} others - server of its store
 * @returns {MeasuredCoordinator}
 */
function pinned(name, dtm, others) {
  for (const { pid } of [dtm, ...others]) {
    if (isPinned) spawnSync('taskset', ['-a', '-c', '-p', '0', String(pid())]);
  }
  return {
    name,
    url: dtm.url,
    ...usageOf(dtm.pid),
    stop: async () => {
      await dtm.stop();
      for (const other of others) await other.stop();
    },
  };
}

/** @param {() => number | undefined} pid */
function usageOf(pid) {
  return {
    rssMiB: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid()}/status`, 'utf8'))?.[1]) / 1024,
    cpuSeconds: () => {
      // fields after the name, which may contain spaces; user and system time in ticks of 10 ms
      const fields = readFileSync(`/proc/${pid()}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
  };
}
