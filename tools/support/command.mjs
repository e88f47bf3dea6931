import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { root } from './root.mjs';

/**
 * @typedef {object} CommandOptions
 * @property {string} [cwd] Default: the checkout.
 * @property {boolean} [capture] Collect the output instead of showing it. Default: false.
 * @property {number} [timeoutSeconds] Longest time. Default: none.
 */

/**
 * Runs a command and waits for its end.
 *
 * @param {string | readonly [string, ...string[]]} what - a program with its arguments, or a line for the shell, with
 *   paths in double quotes; npm's programs need the shell, because on Windows they are scripts
 * @param {CommandOptions} [options]
 * @returns {Promise<string>} what it printed to stdout, when captured
 * @throws Error with the captured output when it does not end with exit code 0
 */
export async function command(what, { cwd = root, capture = false, timeoutSeconds } = {}) {
  const [program, ...args] = typeof what === 'string' ? [what] : what;
  const child = spawn(program, args, {
    cwd,
    shell: typeof what === 'string',
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
  const how = signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
  throw new Error([`${[program, ...args].join(' ')} ${how}`, stdout.trim(), stderr.trim()].filter(Boolean).join('\n'));
}
