import { DtmError } from './errors.js';

/**
 * Text of an error, for a message or a log.
 *
 * @param error - anything thrown
 */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // the reason of a DtmError may be empty on purpose: the outcome is enough
  if (error.message !== '' || error instanceof DtmError) return error.message;
  // a connection to a name with several addresses fails with an empty message, and one error for each address
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(errorText).join('; ');
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && code !== '' ? code : error.name;
}
