import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** An answer on a raw connection. */
export interface RawConnectionAnswer {
  readonly status: number;
  /** Status line and headers, in lower case. */
  readonly head: string;
  readonly body: string;
}

/** A TCP connection on which a test writes raw bytes; closes after the test. */
export class RawConnection {
  /** Resolves when the server closes or resets the connection. */
  readonly closed: Promise<'closed' | 'reset'>;
  readonly #socket: Socket;
  readonly #chunks: Buffer[] = [];
  #received = Buffer.alloc(0);
  #length = 0;
  /** Length below which no answer is complete. */
  #needed = 0;
  #isClosed = false;
  #onChange: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      this.#onChange();
    });
    this.closed = new Promise((resolve) => {
      const onEnd = (how: 'closed' | 'reset'): void => {
        this.#isClosed = true;
        this.#onChange();
        resolve(how);
      };
      socket.once('error', () => onEnd('reset'));
      socket.once('close', () => onEnd('closed'));
    });
  }

  /**
   * Opens a connection.
   *
   * @param origin - e.g. `http://127.0.0.1:36789`; a path is ignored
   */
  static async open(origin: string): Promise<RawConnection> {
    const { hostname, port } = new URL(origin);
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawConnection(socket);
  }

  /** Whether the server has closed or reset the connection. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Writes data; resolves when the operating system has taken the data. */
  write(data: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => void this.#socket.write(data, () => resolve()));
  }

  /** Closes the sending side. */
  end(): void {
    this.#socket.end();
  }

  /** Resets the connection. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** Stops reading until {@link answer} is called. */
  stopReading(): void {
    this.#socket.pause();
  }

  /**
   * Reads the next answer; an answer to HEAD has no body.
   *
   * @throws Error when the connection ends first
   */
  async answer(hasBody = true): Promise<RawConnectionAnswer> {
    this.#socket.resume();
    for (;;) {
      const answer = this.#take(hasBody);
      if (answer) return answer;
      if (this.#isClosed) throw new Error(`connection ended after ${JSON.stringify(this.#received.toString())}`);
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
  }

  #take(hasBody: boolean): RawConnectionAnswer | undefined {
    if (this.#length < this.#needed) return undefined;
    this.#received = Buffer.concat([this.#received, ...this.#chunks.splice(0)]);
    const headLength = this.#received.indexOf('\r\n\r\n');
    if (headLength < 0) return undefined;
    const head = this.#received.subarray(0, headLength).toString().toLowerCase();
    const length = hasBody ? Number(/\r\ncontent-length: (\d+)/.exec(head)?.[1] ?? 0) : 0;
    const end = headLength + 4 + length;
    this.#needed = end;
    if (this.#length < end) return undefined;
    const body = this.#received.subarray(headLength + 4, end).toString();
    this.#received = this.#received.subarray(end);
    this.#length -= end;
    this.#needed = 0;
    return { status: Number(head.split(' ')[1]), head, body };
  }
}
