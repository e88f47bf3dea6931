/** Where the coordinator reports what nobody waits for an answer to. */
export interface CoordinatorLogger {
  /** Worth knowing: start, recovery, a transaction rolled back. */
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Will be tried again. */
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Somebody should look. */
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Warnings and errors as lines on stderr. */
export const stderrLogger: CoordinatorLogger = {
  info: () => undefined,
  warn: (message, fields) => write('warn', message, fields),
  error: (message, fields) => write('error', message, fields),
};

function write(level: string, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
  process.stderr.write(
    `${JSON.stringify({ time: new Date().toISOString(), level, logger: 'DtmServer', message, ...fields })}\n`,
  );
}
