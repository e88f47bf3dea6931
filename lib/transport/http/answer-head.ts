/** Longest head of an answer, with the interim answers before it. */
const MAX_BYTES = 16 * 1024;

const END = '\r\n\r\n';

/** `HTTP/1.1 1xx`, except 101: nothing follows an upgrade. */
const INTERIM = /^HTTP\/1\.[01] 1(?!01)\d\d[ \r]/;
const STATUS_LINE_LENGTH = 'HTTP/1.1 100 '.length;

/**
 * Collects an answer until its head is complete, before anything parses it. Drops interim answers such as 100 Continue, which
 * a client must ignore although it did not ask for them (RFC 9110, section 15.2). Refuses a head that does not end.
 */
export class AnswerHead {
  #received: Buffer | undefined;
  /** Length of the received bytes in which the end was searched. */
  #searched = 0;
  #dropped = 0;

  /**
   * Takes the next bytes of the connection.
   *
   * @returns the final answer as far as it was received, once its head is complete; undefined before
   * @throws Error when the head is too long
   */
  take(chunk: Buffer): Buffer | undefined {
    let bytes = this.#received ? Buffer.concat([this.#received, chunk]) : chunk;
    for (;;) {
      const end = bytes.indexOf(END, Math.max(0, this.#searched - END.length));
      const length = end < 0 ? bytes.length : end + END.length;
      if (this.#dropped + length > MAX_BYTES) {
        throw new Error(`the headers of the answer have more than ${MAX_BYTES} bytes`);
      }
      if (end < 0) {
        this.#received = bytes;
        this.#searched = length;
        return undefined;
      }
      if (!INTERIM.test(bytes.toString('latin1', 0, STATUS_LINE_LENGTH))) return bytes;
      bytes = bytes.subarray(length);
      this.#dropped += length;
      this.#searched = 0;
    }
  }
}
