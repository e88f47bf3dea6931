import { isNativeError } from 'node:util/types';

/**
 * Whether a value is an error, also one that Node created while the code runs in a context of its own: Jest gives each test
 * file another class `Error`.
 */
export function isError(value: unknown): value is Error {
  return value instanceof Error || isNativeError(value);
}
