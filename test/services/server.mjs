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
 * How one kind of server is started.
 *
 * @typedef {object} Recipe
 * @property {ServiceName} name
 * @property {string} [user] Account to run as when we are root; by default we run it as we are.
 * @property {number} portCount
 * @property {readonly number[]} [portOffsets] Distances from its one port at which it takes further ones by itself.
 * @property {(dir: string) => readonly Command[]} prepare What makes the data, run once and in order.
 * @property {(dir: string, ports: readonly number[]) => Command} command What starts the server in the foreground.
 * @property {(ports: readonly number[], log: string) => boolean | Promise<boolean>} isReady
 * @property {NodeJS.Signals} stopSignal What asks the server to end soon and in good order.
 */

/**
 * Control over a server that was started.
 *
 * @typedef {object} ServerControl
 * @property {string} logFile What the server has said since it was last started; removed with the rest by `stop`.
 * @property {() => number | undefined} pid The running process, for whoever measures it.
 * @property {() => Promise<void>} stop Ends the server and removes its data. Calling it again is harmless. It also
 *   happens by itself when this process ends, in whatever way.
 * @property {() => Promise<void>} kill SIGKILL to the server and its children. The data stays, for `restart`.
 * @property {() => Promise<void>} restart Starts the server again, on the same data and ports, ending it in good order
 *   first if it runs.
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
      await untilReady(server);
      server.unref();
    } catch (error) {
      await kill();
      throw error;
    }
  }

  /** @param {ChildProcess} child */
  async function untilReady(child) {
    const deadline = Date.now() + readyTimeoutSeconds * 1000;
    for (;;) {
      const over = hasEnded(child);
      const log = readLog();
      // First of all: where a port is taken, it is someone else who answers there.
      if (/(address|port \d+ was) already in use/i.test(log)) throw new PortTakenError(`${title} found its port taken`);
      if (over) throw failure(`${title} ended early`, log);
      if (await recipe.isReady(ports, log)) return;
      if (Date.now() > deadline) throw failure(`${title} was not ready after ${readyTimeoutSeconds} s`, log);
      await sleep(20);
    }
  }

  async function launchOnFreePorts() {
    for (let attempt = 1; ; attempt++) {
      ports = recipe.portOffsets ? await freePortsAround(recipe.portOffsets) : await freePorts(recipe.portCount);
      try {
        return await launch();
      } catch (error) {
        if (!(error instanceof PortTakenError) || attempt === portAttempts) throw error;
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
    await launch();
  }

  function stop() {
    return (stopped ??= close());
  }

  async function close() {
    await workspace.close();
    if (server) await ended(server); // the guard does not see when the last of its ports is free
  }

  try {
    await prepare();
    await launchOnFreePorts();
  } catch (error) {
    await stop();
    throw error;
  }
  const pid = () => (server && !hasEnded(server) ? server.pid : undefined);
  return { ports, logFile: workspace.logFile, pid, stop, kill, restart };
}

class PortTakenError extends Error {}

/**
 * @param {string} what
 * @param {string} log
 */
function failure(what, log) {
  return new Error(`${what}. Its output ends:\n${log.slice(-2000)}`);
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
    // It was gone already.
  }
}

/**
 * A process that has ended but was not yet collected by its parent has no `exe`; signals still find it.
 *
 * @param {number} pid
 */
function isAlive(pid) {
  return existsSync(`/proc/${pid}/exe`);
}

/**
 * PostgreSQL's children have process groups of their own, so killing the group would leave them for a moment.
 *
 * @param {number} pid
 * @returns {number[]}
 */
function childrenOf(pid) {
  const file = `/proc/${pid}/task/${pid}/children`;
  return existsSync(file) ? readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number) : [];
}
