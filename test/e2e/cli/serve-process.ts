import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client, credentials } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { tempFolder } from '../../support/temp-folder.js';
import { waitUntil } from '../../support/wait-until.js';

const PROGRAM = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

/** Options of a process. */
export interface ProcessOptions {
  /** Environment variables; the process inherits none from the tests. @default none */
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments after `serve`. @default none */
  readonly args?: readonly string[];
  /** Working directory. @default a new folder */
  readonly cwd?: string;
  /** Starts the process through a shell that waits for it, like npx. @default false */
  readonly isInShell?: boolean;
}

/** `nestjs-dtm` in its own process, which ends with the test. */
export class CliProcess {
  readonly child: ChildProcess;
  /** Resolves with the exit code, or with the name of the signal that has ended the process. */
  readonly ended: Promise<number | string>;
  stdout = '';
  stderr = '';

  /**
   * @param args - the whole command line
   * @param options - see {@link ProcessOptions}
   */
  constructor(args: readonly string[], { env = {}, cwd = tempFolder(), isInShell = false }: ProcessOptions = {}) {
    const line = [process.execPath, PROGRAM, ...args] as const;
    const [program, ...rest] = isInShell ? (['sh', '-c', '"$0" "$@"; exit', ...line] as const) : line;
    const child = spawn(program, rest, {
      cwd,
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // its own process group, so that the child of the shell ends as well
      detached: isInShell,
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.child = child;
    this.ended = once(child, 'close').then(([code, signal]: unknown[]) => (code ?? signal) as number | string);
    onTestFinished(async () => {
      if (isInShell) killGroup(child);
      else child.kill('SIGKILL');
      await this.ended;
    });
  }

  /** Lines of the log. */
  get log(): Record<string, unknown>[] {
    const lines = this.stderr.split('\n').filter((line) => line.startsWith('{'));
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}

/** `nestjs-dtm serve`, on free ports by default. */
export class ServeProcess extends CliProcess {
  constructor({ args = [], env, ...options }: ProcessOptions = {}) {
    super(['serve', ...args], { ...options, env: { HTTP_PORT: '0', GRPC_PORT: '0', ...env } });
  }

  /** Starts a server and waits for its start-up text. */
  static async start(options: ProcessOptions = {}): Promise<ServeProcess> {
    const started = new ServeProcess(options);
    let isEnded = false;
    void started.ended.then(() => (isEnded = true));
    await waitUntil(() => isEnded || /^ {2}recovery .*\n/m.test(started.stdout));
    if (isEnded) throw new Error(`the server did not start:\n${started.stdout}\n${started.stderr}`);
    return started;
  }

  /** A row of the start-up text; `''` when there is none. */
  row(name: string): string {
    return this.rows(name)[0] ?? '';
  }

  /** All rows with a name. */
  rows(name: string): string[] {
    return [...this.stdout.matchAll(new RegExp(`^ {2}${name} +(.*)$`, 'gm'))].map(([, text = '']) => text);
  }

  /** Base URL of the HTTP API. */
  get base(): string {
    return this.row('HTTP');
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    this.child.kill(signal);
    return this.ended;
  }

  /** Submits a transaction over HTTP. */
  async submit(transaction: object): Promise<number> {
    const answer = await fetch(`${this.base}/submit`, { method: 'POST', body: JSON.stringify(transaction) });
    await answer.arrayBuffer();
    return answer.status;
  }

  /** Status of a transaction; undefined when it is unknown. */
  async statusOf(gid: string): Promise<string | undefined> {
    const answer = await fetch(`${this.base}/query?gid=${gid}`);
    const { transaction } = (await answer.json()) as { transaction: { status: string } | null };
    return transaction?.status;
  }

  /** Requests a new gid over gRPC; returns the bytes of the answer as text. */
  async newGidByGrpc(): Promise<string> {
    const client = new Client(this.row('gRPC'), credentials.createInsecure());
    const asIs = (bytes: Buffer): Buffer => bytes;
    try {
      return await new Promise((resolve, reject) => {
        client.makeUnaryRequest('/dtmgimp.Dtm/NewGid', asIs, asIs, Buffer.alloc(0), (error, answer) =>
          error ? reject(error) : resolve(String(answer)),
        );
      });
    } finally {
      client.close();
    }
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // the process group is gone
  }
}
