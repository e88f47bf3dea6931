import { inspect } from 'node:util';
import { Logger } from '@nestjs/common';
import type { CoordinatorLogger } from '../protocol/internal.js';

type Fields = Readonly<Record<string, unknown>>;

/** Writes the log of an embedded coordinator with the logger of the application. */
export class CoordinatorLog implements CoordinatorLogger {
  readonly #logger = new Logger('DtmCoordinator');

  info(message: string, fields?: Fields): void {
    this.#logger.log(new LogEntry(message, fields));
  }

  warn(message: string, fields?: Fields): void {
    this.#logger.warn(new LogEntry(message, fields));
  }

  error(message: string, fields?: Fields): void {
    this.#logger.error(new LogEntry(message, fields));
  }
}

/**
 * A message with fields. Loggers that write JSON see an object, and those that write text one line of text. Fields in a
 * parameter of their own would be a second line with Nest 11, and lost with pino.
 */
class LogEntry {
  readonly message: string;
  readonly [field: string]: unknown;

  constructor(message: string, fields: Fields = {}) {
    this.message = message;
    Object.assign(this, Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)));
  }

  toString(): string {
    const { message, ...fields } = this;
    if (Object.keys(fields).length === 0) return message;
    return `${message} ${inspect(fields, { compact: true, breakLength: Infinity })}`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}
