/** Collects the body of an answer. An answer of very many small parts takes no more memory than one of few. */
export class AnswerBody {
  #bytes: Buffer | undefined;
  #length = 0;

  /** Adds the next part. */
  add(part: Buffer): void {
    if (!this.#bytes) {
      // almost every body comes in one part
      this.#bytes = part;
    } else {
      const length = this.#length + part.length;
      if (length > this.#bytes.length) {
        const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.#bytes.length));
        this.#bytes.copy(larger, 0, 0, this.#length);
        this.#bytes = larger;
      }
      part.copy(this.#bytes, this.#length);
    }
    this.#length += part.length;
  }

  toString(): string {
    return this.#bytes?.toString('utf8', 0, this.#length) ?? '';
  }
}
