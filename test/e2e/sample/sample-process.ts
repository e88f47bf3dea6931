import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { tempFolder } from '../../support/temp-folder.js';
import { waitUntil } from '../../support/wait-until.js';

const ROOT = new URL('../../../', import.meta.url);

/** A built sample in its own process, with its data in a temporary folder; killed after the test. */
export class SampleProcess {
  readonly child: ChildProcess;
  /** Resolves at the end of the process with its exit code or signal. */
  readonly ended: Promise<number | string>;
  /** Output so far. */
  output = '';
  #isEnded = false;

  /**
   * @param command - path of the program in the repository, and its arguments
   * @param env - variables; the process does not inherit other variables of the test
   */
  constructor([program, ...args]: readonly [string, ...string[]], env: Readonly<Record<string, string>> = {}) {
    const child = spawn(process.execPath, [fileURLToPath(new URL(program, ROOT)), ...args], {
      cwd: tempFolder(),
      env: { PATH: process.env['PATH'], NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.child = child;
    this.ended = once(child, 'close').then(([code, signal]: unknown[]) => {
      this.#isEnded = true;
      return (code ?? signal) as number | string;
    });
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await this.ended;
    });
  }

  /** Waits until the output contains a text. */
  async waitForOutput(text: string): Promise<void> {
    await waitUntil(() => this.#isEnded || this.output.includes(text));
    if (!this.output.includes(text)) throw new Error(`the process ended without the output "${text}":\n${this.output}`);
  }

  /** Sends SIGTERM and waits for the end. */
  async stop(): Promise<number | string> {
    this.child.kill('SIGTERM');
    return this.ended;
  }
}
