// @ts-check
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { accountFor } from './account.mjs';
import { catalog } from './catalog.mjs';
import { freePorts, freePortsAround } from './free-ports.mjs';
import { openWorkspace } from './workspace.mjs';

/** @import { ChildProcess } from 'node:child_process' */
/** @import { ServiceName } from './catalog.mjs' */
/** @import { Command } from './workspace.mjs' */

/**
 * How to start a kind of server.
 *
 * @typedef {object} Recipe
 * @property {ServiceName} name
 * @property {string} [user] Account for the server if this process is root. Default: the account of this process.
 * @property {number} portCount
 * @property {readonly number[]} [portOffsets] Offsets from the first port at which the server takes further ports.
 * @property {(dir: string) => readonly Command[]} prepare Commands that create the data; run once, in order.
 * @property {(dir: string, ports: readonly number[]) => Command} command Command that starts the server in the foreground.
 * @property {(ports: readonly number[], log: string) => boolean | Promise<boolean>} isReady
 * @property {NodeJS.Signals} stopSignal Signal for a fast graceful shutdown.
 */

/**
 * Controls a running server.
 *
 * @typedef {object} ServerControl
 * @property {string} logFile Output since the last start; `stop` removes it.
 * @property {() => number | undefined} pid Process id, for measurements.
 * @property {() => Promise<void>} stop Stops the server and removes its data; idempotent. Also happens when this process
 *   ends for any reason.
 * @property {() => Promise<void>} kill Sends SIGKILL to the server and its children. The data stays for `restart`.
 * @property {() => Promise<void>} restart Stops a running server gracefully and starts it again with the same data and
 *   ports.
 */

const portAttempts = 5;
const readyTimeoutSeconds = 60;

/**
 * Starts a server in a temporary folder and waits until it is ready.
 *
 * @param {Recipe} recipe
 * @returns {Promise<ServerControl & { ports: readonly number[] }>}
 */
export async function startServer(recipe) {
  const { title } = catalog[recipe.name];
  const account = recipe.user === undefined ? undefined : accountFor(recipe.user);
  const workspace = openWorkspace(recipe.name, account, recipe.stopSignal);
  /** @type {ChildProcess | undefined} */
  let server;
  /** @type {number[]} */
  let ports = [];
  /** @type {Promise<void> | undefined} */
  let stopped;

  async function prepare() {
    for (const command of recipe.prepare(workspace.dir)) {
      const child = await workspace.spawn(command);
      await ended(child);
      if (child.exitCode !== 0) throw failure(`${command.program} failed`, readLog());
    }
  }

  async function launch() {
    server = await workspace.spawn(recipe.command(workspace.dir, ports));
    try {
      await waitUntilReady(server);
      server.unref();
    } catch (error) {
      await kill();
      throw error;
    }
  }

  /** @param {ChildProcess} child */
  async function waitUntilReady(child) {
    const deadline = Date.now() + readyTimeoutSeconds * 1000;
    for (;;) {
      const over = hasEnded(child);
      const log = readLog();
      // check this first: on a taken port another server answers
      if (/(address|port \d+ was) already in use/i.test(log)) throw new PortTakenError(`${title}: port already in use`);
      if (over) throw failure(`${title} exited early`, log);
      if (await recipe.isReady(ports, log)) return;
      if (Date.now() > deadline) throw failure(`${title} was not ready after ${readyTimeoutSeconds} s`, log);
      await sleep(20);
    }
  }

  async function launchOnFreePorts() {
    ports = recipe.portOffsets ? await freePortsAround(recipe.portOffsets) : await freePorts(recipe.portCount);
    await launch();
  }

  /** Tries again when a port is taken: on other ports, or until the connection that has taken the port in between is closed. */
  async function untilPortsAreFree(/** @type {() => Promise<void>} */ start) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await start();
      } catch (error) {
        if (!(error instanceof PortTakenError) || attempt === portAttempts) throw error;
        await sleep(100 * attempt);
      }
    }
  }

  function readLog() {
    return readFileSync(workspace.logFile, 'utf8');
  }

  async function kill() {
    if (!server?.pid || hasEnded(server)) return;
    const family = [server.pid, ...childrenOf(server.pid)];
    for (const pid of family) sendKill(pid);
    await ended(server);
    while (family.some(isAlive)) await sleep(5);
  }

  async function restart() {
    if (stopped) throw new Error(`${title} was stopped and its data removed`);
    if (server && !hasEnded(server)) {
      server.kill(recipe.stopSignal);
      await ended(server);
    }
    await untilPortsAreFree(launch);
  }

  function stop() {
    return (stopped ??= close());
  }

  async function close() {
    await workspace.close();
    if (server) await ended(server); // the guard does not wait until all ports are free
  }

  try {
    await prepare();
    await untilPortsAreFree(launchOnFreePorts);
  } catch (error) {
    await stop();
    throw error;
  }
  const pid = () => (server && !hasEnded(server) ? server.pid : undefined);
  return { ports, logFile: workspace.logFile, pid, stop, kill, restart };
}

class PortTakenError extends Error {}

/**
 * @param {string} message
 * @param {string} log
 */
function failure(message, log) {
  return new Error(`${message}; end of its output:\n${log.slice(-2000)}`);
}

/** @param {ChildProcess} child */
function hasEnded(child) {
  return child.exitCode !== null || child.signalCode !== null;
}

/** @param {ChildProcess} child */
async function ended(child) {
  if (hasEnded(child)) return;
  child.ref();
  await once(child, 'exit');
}

/** @param {number} pid */
function sendKill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // the process has already ended
  }
}

/**
 * Whether a process runs. A zombie still accepts signals but has no `exe`.
 *
 * @param {number} pid
 */
function isAlive(pid) {
  return existsSync(`/proc/${pid}/exe`);
}

/**
 * Children of a process. Those of PostgreSQL have their own process groups, so a signal to the group would miss them.
 *
 * @param {number} pid
 * @returns {number[]}
 */
function childrenOf(pid) {
  const file = `/proc/${pid}/task/${pid}/children`;
  return existsSync(file) ? readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number) : [];
}
