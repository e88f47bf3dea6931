import type { CoordinatorLogger } from '../../protocol/internal.js';
import { formatLogLine } from './log-line.js';

/** Writes warnings and errors as JSON lines to stderr. */
export const stderrLogger: CoordinatorLogger = {
  info: () => undefined,
  warn: (message, fields) => void process.stderr.write(formatLogLine('warn', message, fields)),
  error: (message, fields) => void process.stderr.write(formatLogLine('error', message, fields)),
};
