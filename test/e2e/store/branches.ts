import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A call that a branch received. */
export interface BranchCall {
  readonly gid: string;
  /** Branch id and operation, e.g. `01 action`. */
  readonly branch: string;
  readonly body: string;
  /** Whether the branch answered with success. */
  readonly succeeded: boolean;
}

/**
 * Branches of transactions: `/ok` succeeds, `/refuse` fails. `/gated` and `/gated-refuse` are ongoing until the gate
 * opens; then the first succeeds and the second fails.
 */
export class Branches {
  readonly calls: BranchCall[] = [];
  isOpen = false;
  readonly #server: Server;
  #hold: Promise<void> = Promise.resolve();
  #release: () => void = () => undefined;

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request).then((status) => response.writeHead(status).end());
    });
  }

  static async start(): Promise<Branches> {
    const branches = new Branches();
    await new Promise<void>((resolve) => void branches.#server.listen(0, '127.0.0.1', resolve));
    return branches;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${path}`;
  }

  /** Holds the answers of gated calls from now on. */
  holdGate(): void {
    this.#hold = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  /** Sends the held answers. */
  releaseGate(): void {
    this.#release();
  }

  /** Calls of a transaction. */
  of(gid: string): BranchCall[] {
    return this.calls.filter((call) => call.gid === gid);
  }

  /** Successful branch operations of a transaction, in order, with duplicates. */
  succeeded(gid: string): string[] {
    return this.of(gid)
      .filter((call) => call.succeeded)
      .map((call) => call.branch);
  }

  async stop(): Promise<void> {
    const stopped = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await stopped;
  }

  async #answer(request: IncomingMessage): Promise<number> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://branches');
    const isGated = pathname.startsWith('/gated');
    const status = isGated && !this.isOpen ? 425 : pathname.endsWith('refuse') ? 409 : 200;
    this.calls.push({
      gid: searchParams.get('gid') ?? '',
      branch: `${searchParams.get('branch_id')} ${searchParams.get('op')}`,
      body: Buffer.concat(chunks).toString(),
      succeeded: status === 200,
    });
    if (isGated) await this.#hold;
    return status;
  }
}
