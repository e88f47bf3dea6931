import type { CoordinatorLogger } from '../../protocol/internal.js';
import type { Clock } from './clock.js';

/** Lines with one message about one subject within {@link WINDOW_MS}. */
const MAX_LINES = 10;

/** Time for which lines are counted. */
const WINDOW_MS = 60_000;

/** Subjects that are remembered; then the oldest one is forgotten. */
const MAX_SUBJECTS = 1000;

type Fields = Readonly<Record<string, unknown>>;

/** The lines about a subject in the current time. */
interface Window {
  readonly start: number;
  count: number;
  /** Ends the time early; undefined while no line was left out. */
  end?: () => void;
}

/** Leaves out lines of the log that say the same again and again, and then says how many it left out. */
export class LineLimit {
  readonly #logger: CoordinatorLogger;
  readonly #clock: Clock;
  readonly #windows = new Map<string, Window>();

  constructor({ logger, clock }: { readonly logger: CoordinatorLogger; readonly clock: Clock }) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /**
   * Writes a line, unless there were many with this message about this subject within the last minute.
   *
   * @param subject - what the lines are about, as fields of the line that tells their number. @default the message alone
   */
  write(
    level: 'warn' | 'error',
    message: string,
    fields: Fields,
    subject: Readonly<Record<string, string>> = {},
  ): void {
    const key = [message, ...Object.values(subject)].join('\n');
    const window = this.#windowOf(key);
    window.count++;
    if (window.count <= MAX_LINES) return this.#logger[level](message, fields);
    if (window.end) return;
    const finish = (): void => {
      this.#windows.delete(key);
      const leftOut = window.count - MAX_LINES;
      this.#logger[level](`${message}: lines left out within a minute`, { ...subject, leftOut });
    };
    const cancel = this.#clock.after(window.start + WINDOW_MS - this.#clock.now(), finish);
    window.end = () => {
      cancel();
      finish();
    };
  }

  /** Tells what was left out so far. */
  flush(): void {
    for (const { end } of this.#windows.values()) end?.();
    this.#windows.clear();
  }

  #windowOf(key: string): Window {
    const now = this.#clock.now();
    const known = this.#windows.get(key);
    // a window in which lines were left out ends with its timer
    if (known && (known.end || now - known.start < WINDOW_MS)) return known;
    this.#windows.delete(key);
    if (this.#windows.size >= MAX_SUBJECTS) this.#forgetOldest();
    const window = { start: now, count: 0 };
    this.#windows.set(key, window);
    return window;
  }

  #forgetOldest(): void {
    const [key, window] = this.#windows.entries().next().value!;
    window.end?.();
    this.#windows.delete(key);
  }
}
