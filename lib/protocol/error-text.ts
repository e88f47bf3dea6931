import { DtmError } from './errors.js';
import { isError } from './is-error.js';

/**
 * Text of an error, for a message or a log.
 *
 * @param error - anything thrown
 */
export function errorText(error: unknown): string {
  if (!isError(error)) return String(error);
  // the reason of a DtmError may be empty on purpose: the outcome is enough
  if (error.message !== '' || error instanceof DtmError) return error.message;
  // a connection to a name with several addresses fails with an empty message, and one error for each address
  const { code, errors } = error as { code?: unknown; errors?: unknown };
  if (Array.isArray(errors) && errors.length > 0) return errors.map(errorText).join('; ');
  return typeof code === 'string' && code !== '' ? code : error.name;
}
