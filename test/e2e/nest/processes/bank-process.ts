import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** Options of the process. */
export interface BankProcessOptions {
  readonly name?: string;
  /** SQLite file. */
  readonly path?: string;
  /** Options of the store on PostgreSQL. */
  readonly postgres?: object;
  /** Its branch transIn never ends. */
  readonly hangs?: boolean;
}

/** An application in its own process. */
export class BankProcess {
  readonly #child: ChildProcess;
  readonly #ready: Promise<void>;
  /** Branches that ran, in order. */
  readonly calls: string[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ready = new Promise((resolve) => {
      // recovery may call branches before the process is ready
      child.on('message', (message) => (message === 'ready' ? resolve() : this.calls.push(String(message))));
    });
  }

  static async start(options: BankProcessOptions): Promise<BankProcess> {
    const program = fileURLToPath(new URL('./bank-process.mjs', import.meta.url));
    const child = fork(program, [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const bank = new BankProcess(child);
    onTestFinished(() => bank.kill());
    await Promise.race([
      bank.#ready,
      once(child, 'exit').then(() => Promise.reject(new Error('the application ended'))),
    ]);
    return bank;
  }

  /** Submits a saga with transOut and transIn. */
  submit(gid: string): void {
    this.#child.send(gid);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
