import { appendFileSync } from 'node:fs';
import { DtmConfigError } from '../../protocol/internal.js';
import { formatLogLine } from '../../server/environment/log-line.js';
import type { CoordinatorLogger } from '../../server/index.js';

/** Levels in ascending order. The coordinator logs nothing below `info`. */
const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** A value of `LogLevel`. */
export type LogLevel = (typeof LEVELS)[number];

/**
 * Creates a logger that writes one JSON object per line. A file is opened for each line, so that another program can rotate it.
 *
 * @param level - the lowest level to write
 * @param outputs - `stderr`, `stdout`, or paths of files
 * @throws DtmConfigError when a file cannot be written
 */
export function jsonLineLogger(level: LogLevel, outputs: readonly string[]): CoordinatorLogger {
  const writers = outputs.map(writerTo);
  const write =
    (own: LogLevel): CoordinatorLogger['info'] =>
    (message, fields) => {
      if (LEVELS.indexOf(own) < LEVELS.indexOf(level)) return;
      const line = formatLogLine(own, message, fields);
      for (const writer of writers) writer(line);
    };
  return { info: write('info'), warn: write('warn'), error: write('error') };
}

function writerTo(output: string): (line: string) => void {
  if (output === 'stderr') return (line) => void process.stderr.write(line);
  if (output === 'stdout') return (line) => void process.stdout.write(line);
  try {
    appendFileSync(output, '');
  } catch (cause) {
    throw new DtmConfigError(
      `Log.Outputs: ${output} cannot be written (${(cause as NodeJS.ErrnoException).code}); give stderr, stdout, or a file in an ` +
        'existing folder',
      { cause },
    );
  }
  return (line) => {
    try {
      appendFileSync(output, line);
    } catch {
      // a full disk must not stop transactions
      process.stderr.write(line);
    }
  };
}
