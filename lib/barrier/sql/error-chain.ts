/** Known properties of an error of a database driver. */
export interface DriverError {
  readonly code?: unknown;
  readonly errno?: unknown;
  readonly message?: unknown;
}

/** Names of the next error; Prisma has `meta.driverAdapterError.cause`. */
const LINKS = ['driverError', 'cause', 'original', 'parent', 'meta', 'driverAdapterError'];

const MAX_DEPTH = 6;

/** The error and its causes; each library has another name for the error of the database driver. */
export function* errorChain(error: unknown, depth: number = 0): Generator<DriverError> {
  if (typeof error !== 'object' || error === null || depth > MAX_DEPTH) return;
  const fields = error as Readonly<Record<string, unknown>>;
  // Prisma renames the fields of the database driver
  yield 'originalCode' in fields ? { code: fields['originalCode'], message: fields['originalMessage'] } : fields;
  for (const name of LINKS) yield* errorChain(fields[name], depth + 1);
}
