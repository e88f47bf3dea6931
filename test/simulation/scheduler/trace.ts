import { createHash } from 'node:crypto';

/** Length of the text that is hashed at once. */
const CHUNK_LENGTH = 1 << 15;

/** Log of a run in readable lines. The hash shows whether two runs are equal. */
export class Trace {
  readonly #hash = createHash('sha256');
  readonly #lines: string[] | undefined;
  #pending = '';

  /** @param keepsLines - keeps the text; otherwise only the hash is kept */
  constructor(keepsLines: boolean) {
    this.#lines = keepsLines ? [] : undefined;
  }

  /** Adds a line: seconds since the start, source, event. */
  add(ms: number, source: string, event: string): void {
    const line = `${(ms / 1000).toFixed(3)} ${source}: ${event}\n`;
    this.#lines?.push(line);
    this.#pending += line;
    if (this.#pending.length > CHUNK_LENGTH) this.#flush();
  }

  /** The lines so far; empty unless they are kept. */
  get text(): string {
    return this.#lines?.join('') ?? '';
  }

  /** Ends the trace and returns its hash. */
  digest(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  #flush(): void {
    this.#hash.update(this.#pending);
    this.#pending = '';
  }
}
