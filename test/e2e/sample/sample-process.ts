import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { tempFolder } from '../../support/temp-folder.js';
import { waitUntil } from '../../support/wait-until.js';

const ROOT = new URL('../../../', import.meta.url);

/** A built program of the samples in a process of its own, with its data in a temporary folder; ends with the test. */
export class SampleProcess {
  readonly child: ChildProcess;
  /** Resolves when it has ended, with the exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
  /** All that it has said. */
  output = '';
  #isEnded = false;

  /**
   * @param command - the program, by its path in the repository, and its arguments
   * @param env - variables; those of the tests themselves are not passed on
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

  /** Waits until it has said something. */
  async says(text: string): Promise<void> {
    await waitUntil(() => this.#isEnded || this.output.includes(text));
    if (!this.output.includes(text)) throw new Error(`it ended and never said ${text}:\n${this.output}`);
  }

  /** Asks it to end. */
  async stop(): Promise<number | string> {
    this.child.kill('SIGTERM');
    return this.ended;
  }
}
