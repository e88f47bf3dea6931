/** Known properties of an error of a database driver. */
export interface DriverError {
  readonly code?: unknown;
  readonly errno?: unknown;
  readonly message?: unknown;
}

/** The error and its causes; each library has another name for the error of the database driver. */
export function* errorChain(error: unknown, depth: number = 0): Generator<DriverError> {
  if (typeof error !== 'object' || error === null || depth > 4) return;
  yield error;
  for (const name of ['driverError', 'cause', 'original', 'parent']) {
    yield* errorChain((error as Readonly<Record<string, unknown>>)[name], depth + 1);
  }
}
