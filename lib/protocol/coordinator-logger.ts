/** Receives the log of a coordinator. */
export interface CoordinatorLogger {
  /** Normal events, e.g. a rollback. */
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Failures that the coordinator retries. */
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Failures that need attention. */
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}
