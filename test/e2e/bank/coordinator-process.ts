import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

/** A coordinator process that a test can kill and restart on the same file and port. */
export class CoordinatorProcess {
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #errors = '';

  /**
   * @param path - file of the store
   * @param port - port to listen on
   * @param env - additional environment variables
   */
  private constructor(
    readonly path: string,
    readonly port: number,
    env: Readonly<Record<string, string>>,
  ) {
    this.#env = env;
  }

  /** Creates a coordinator process for a free port, without starting the process. */
  static async create(path: string, env: Readonly<Record<string, string>> = {}): Promise<CoordinatorProcess> {
    return new CoordinatorProcess(path, await freePort(), env);
  }

  /** Origin of the API. */
  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  /** Output of the current process on stderr. */
  get errors(): string {
    return this.#errors;
  }

  get isRunning(): boolean {
    const child = this.#child;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /**
   * Starts the process.
   *
   * @throws Error with the output on stderr when the process ends instead
   */
  async start(): Promise<void> {
    const program = fileURLToPath(new URL('./coordinator-process.mjs', import.meta.url));
    const child = fork(program, [this.path, String(this.port)], {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      env: { ...process.env, ...this.#env },
    });
    this.#child = child;
    this.#errors = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    const [message] = (await Promise.race([once(child, 'message'), once(child, 'close')])) as [unknown];
    if (message !== 'ready') throw new Error(`the coordinator process ended with ${String(message)}: ${this.#errors}`);
  }

  /** Kills the process with SIGKILL. */
  async kill(): Promise<void> {
    if (!this.isRunning) return;
    const ended = once(this.#child!, 'exit');
    this.#child!.kill('SIGKILL');
    await ended;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
