import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { root } from './root.mjs';

/**
 * @typedef {object} CommandOptions
 * @property {string} [cwd] Default: the checkout.
 * @property {boolean} [capture] Collect the output instead of showing it. Default: false.
 * @property {number} [timeoutSeconds] Time-out. Default: none.
 */

/**
 * Runs a command and waits for its end.
 *
 * @param {string | readonly [string, ...string[]]} line - a program with its arguments, or a shell command with paths
 *   in double quotes; programs of npm need the shell, because they are scripts on Windows
 * @param {CommandOptions} [options]
 * @returns {Promise<string>} the captured stdout
 * @throws Error with the captured output when the exit code is not 0
 */
export async function command(line, { cwd = root, capture = false, timeoutSeconds } = {}) {
  const [program, ...args] = typeof line === 'string' ? [line] : line;
  const child = spawn(program, args, {
    cwd,
    shell: typeof line === 'string',
    stdio: capture ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    timeout: timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text) => (stderr += text));
  const [code, signal] = await once(child, 'close');
  if (code === 0) return stdout;
  const reason = signal ? `was killed by ${signal}` : `failed with exit code ${code}`;
  throw new Error(
    [`${[program, ...args].join(' ')} ${reason}`, stdout.trim(), stderr.trim()].filter(Boolean).join('\n'),
  );
}
