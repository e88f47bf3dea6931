import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { AuthorityMender } from './authority-mender.js';

/** A connection whose client sends mended bytes. */
export class MendedConnection extends Duplex {
  readonly #socket: Socket;
  readonly #mender: AuthorityMender;

  /** @param held - what the client has sent */
  constructor(socket: Socket, mender: AuthorityMender, held: Buffer) {
    super();
    this.#socket = socket;
    this.#mender = mender;
    this.#receive(held);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => {
      this.push(mender.rest());
      this.push(null);
    });
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#socket.write(chunk, callback);
  }

  override _final(callback: () => void): void {
    this.#socket.end(callback);
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#socket.destroy();
    callback(error);
  }

  #receive(chunk: Buffer): void {
    for (const part of this.#mender.mend(chunk)) {
      if (!this.push(part)) this.#socket.pause();
    }
  }
}
