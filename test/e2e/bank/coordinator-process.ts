import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

/** A coordinator process on a file and a port, that can be killed and started again on the same. */
export class CoordinatorProcess {
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #errors = '';

  /**
   * @param path - its store
   * @param port - where it listens
   * @param env - added to the environment
   */
  private constructor(
    readonly path: string,
    readonly port: number,
    env: Readonly<Record<string, string>>,
  ) {
    this.#env = env;
  }

  /** Makes one on a free port; not started yet. */
  static async on(path: string, env: Readonly<Record<string, string>> = {}): Promise<CoordinatorProcess> {
    return new CoordinatorProcess(path, await freePort(), env);
  }

  /** Base URL without a path. */
  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  /** What the present process has written to stderr so far. */
  get errors(): string {
    return this.#errors;
  }

  /** Whether it runs. */
  get isRunning(): boolean {
    const child = this.#child;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /**
   * Starts it.
   *
   * @throws Error with what it wrote to stderr, when it ends instead
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

  /** Kills it on the spot. */
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
