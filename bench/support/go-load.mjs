import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../../tools/support/temporary-folder.mjs';
import { pinning } from './pinning.mjs';

/**
 * Result of a run of the load generator; times in milliseconds.
 *
 * @typedef {object} LoadReport
 * @property {number} count - transactions that succeeded
 * @property {number} errors - transactions that failed
 * @property {string} [firstError] - text of one error
 * @property {number} seconds - duration
 * @property {number} p50
 * @property {number} p99
 * @property {number} p999
 */

/**
 * @typedef {object} LoadOptions
 * @property {string} url - base URL of the coordinator's HTTP API
 * @property {'saga' | 'empty' | 'tcc' | 'msg' | 'start'} workload - `start` does not wait for results
 * @property {number} connections - transactions in flight
 * @property {string} prefix - prefix of the gids
 * @property {number} seconds - most seconds
 * @property {number} [count] - most transactions
 * @property {number} [rate] - transactions per second, started by the clock. Default: as fast as possible.
 */

/**
 * Load generator and participants, written in Go to use little processor time.
 *
 * @typedef {object} Load
 * @property {string} participants - host and port of the branches, which accept HTTP and gRPC at any path
 * @property {(options: LoadOptions) => Promise<LoadReport>} run
 * @property {(line?: 'up' | 'down') => Promise<number>} calls - number of answered branch calls; `down` stops the
 *   participants, `up` starts them again
 * @property {() => void} stop
 */

const source = fileURLToPath(new URL('../load', import.meta.url));

/**
 * Builds the load generator and starts the participants, on the load core.
 *
 * @returns {Promise<Load>}
 */
export async function startLoad() {
  const program = join(temporaryFolder('load'), 'load');
  const build = spawnSync('go', ['build', '-o', program, '.'], {
    cwd: source,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (build.status !== 0) throw new Error('go build failed for the load generator; install Go 1.24 or newer');

  const participants = start(['participants'], 'pipe');
  process.once('exit', () => participants.kill());
  const lines = createInterface({ input: participants.stdout })[Symbol.asyncIterator]();
  const address = String((await lines.next()).value);
  const branches = `http://${address}`;
  return {
    participants: address,
    run: async ({ rate = 0, count = 0, ...options }) => {
      const flags = Object.entries({ ...options, rate, count, branches }).flatMap(([name, value]) => [
        `-${name}`,
        String(value),
      ]);
      const child = start(['run', ...flags], 'ignore');
      let text = '';
      for await (const chunk of child.stdout) text += chunk;
      return JSON.parse(text);
    },
    calls: async (line) => {
      participants.stdin?.write(`${line ?? ''}\n`);
      return Number((await lines.next()).value);
    },
    stop: () => void participants.kill(),
  };

  /**
   * @param {readonly string[]} args
   * @param {'pipe' | 'ignore'} stdin
   */
  function start(args, stdin) {
    const [command, ...rest] = [...pinning('load'), program, ...args];
    const child = spawn(/** @type {string} */ (command), rest, { stdio: [stdin, 'pipe', 'inherit'] });
    return /** @type {import('node:child_process').ChildProcessWithoutNullStreams} */ (child);
  }
}
