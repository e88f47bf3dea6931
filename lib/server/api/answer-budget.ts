import { DtmServerError } from '../../protocol/internal.js';
import type { Clock } from '../environment/clock.js';

/** The client of a request, as far as memory is concerned. */
export interface AnswerClient {
  /** No answer can reach the client. */
  readonly isGone: boolean;
  /** Calls back once, when the answer is sent or can no longer be sent. */
  onceOver(callback: () => void): void;
}

/** Above this number of bytes of answers that are encoded and not sent, no further answer is read. Sized for a heap of 200 MB. */
export const MAX_UNSENT_BYTES = 32 * 1024 * 1024;

/** Answers that are read at a time. Each has up to the bytes of the largest transaction, and more when it is encoded. */
const MAX_READERS = 2;

/** An answer that takes longer than a millisecond to encode. */
const LARGE_BYTES = 256 * 1024;

/** Longest wait for the answers to other requests. Clients have time-outs of 30 s. */
const MAX_WAIT_MS = 20_000;

/** Answers to other requests, which their clients do not read, take all the memory: HTTP 503, RESOURCE_EXHAUSTED over gRPC. */
export class AnswersUnreadError extends DtmServerError {
  constructor() {
    super('other clients have not read their large answers; try again later');
  }
}

/**
 * Limits the memory of all answers that can be large. An answer that is read from the store has a thousand times the bytes of
 * its request, so the number of requests and connections does not limit it.
 */
export class AnswerBudget {
  readonly #clock: Clock;
  /** What begins when there is room, first in, first out. */
  readonly #waiting = new Set<() => void>();
  #readers = 0;
  #unsentBytes = 0;

  /** @param clock - limits the wait */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Reads and encodes an answer when there is room for it. A client that is gone by then costs nothing.
   *
   * @param client - gets the answer
   * @param read - reads from the store
   * @param encode - makes the answer
   * @param bytesOf - size of the answer
   * @throws AnswersUnreadError after 20 s without room; nothing was read
   */
  async answer<Value, Answer>(
    client: AnswerClient,
    read: () => Promise<Value>,
    encode: (value: Value) => Answer | Promise<Answer>,
    bytesOf: (answer: Answer) => number,
  ): Promise<Answer> {
    await this.#begin();
    let bytes = 0;
    try {
      if (client.isGone) throw new ClientGoneError();
      const value = await read();
      if (client.isGone) throw new ClientGoneError();
      const answer = await encode(value);
      bytes = bytesOf(answer);
      this.#count(bytes, client);
      return answer;
    } finally {
      // other requests run before the next large answer is encoded
      if (bytes > LARGE_BYTES) setImmediate(this.#end);
      else this.#end();
    }
  }

  readonly #end = (): void => {
    this.#readers -= 1;
    this.#beginNext();
  };

  #count(bytes: number, client: AnswerClient): void {
    this.#unsentBytes += bytes;
    client.onceOver(() => {
      this.#unsentBytes -= bytes;
      this.#beginNext();
    });
  }

  get #hasRoom(): boolean {
    return this.#readers < MAX_READERS && this.#unsentBytes < MAX_UNSENT_BYTES;
  }

  #begin(): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        cancel();
        this.#readers += 1;
        resolve();
      };
      const cancel = this.#clock.after(MAX_WAIT_MS, () => {
        this.#waiting.delete(begin);
        reject(new AnswersUnreadError());
      });
      this.#waiting.add(begin);
      this.#beginNext();
    });
  }

  #beginNext(): void {
    for (const begin of this.#waiting) {
      if (!this.#hasRoom) return;
      this.#waiting.delete(begin);
      begin();
    }
  }
}

/** Ends a request whose client can no longer receive the answer. */
class ClientGoneError extends DtmServerError {
  constructor() {
    super('the client has disconnected');
  }
}
