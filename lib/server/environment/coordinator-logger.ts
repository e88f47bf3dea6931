import { formatLogLine } from './log-line.js';

/** Receives the log of the coordinator. */
export interface CoordinatorLogger {
  /** Normal events, e.g. a rollback. */
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Failures that the coordinator retries. */
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Failures that need attention. */
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Writes warnings and errors as JSON lines to stderr. */
export const stderrLogger: CoordinatorLogger = {
  info: () => undefined,
  warn: (message, fields) => void process.stderr.write(formatLogLine('warn', message, fields)),
  error: (message, fields) => void process.stderr.write(formatLogLine('error', message, fields)),
};
