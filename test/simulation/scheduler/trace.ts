import { createHash } from 'node:crypto';

/** Text that is hashed at once. */
const CHUNK_LENGTH = 1 << 15;

/** What happened, as readable lines; their hash tells whether two runs were the same. */
export class Trace {
  readonly #hash = createHash('sha256');
  readonly #lines: string[] | undefined;
  #pending = '';

  /** @param keepsLines - for people; otherwise only the hash is kept */
  constructor(keepsLines: boolean) {
    this.#lines = keepsLines ? [] : undefined;
  }

  /** Adds a line: seconds since the beginning, who, what. */
  add(ms: number, who: string, what: string): void {
    const line = `${(ms / 1000).toFixed(3)} ${who}: ${what}\n`;
    this.#lines?.push(line);
    this.#pending += line;
    if (this.#pending.length > CHUNK_LENGTH) this.#flush();
  }

  /** The lines so far; none unless they are kept. */
  get text(): string {
    return this.#lines?.join('') ?? '';
  }

  /** Ends the trace. */
  digest(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  #flush(): void {
    this.#hash.update(this.#pending);
    this.#pending = '';
  }
}
