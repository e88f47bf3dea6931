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
  warn: (message, fields) => write('warn', message, fields),
  error: (message, fields) => write('error', message, fields),
};

function write(level: string, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
  process.stderr.write(
    `${JSON.stringify({ time: new Date().toISOString(), level, logger: 'DtmServer', message, ...fields })}\n`,
  );
}
