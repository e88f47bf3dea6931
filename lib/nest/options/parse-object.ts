import { DtmConfigError } from '../../protocol/internal.js';

/**
 * Checks that an option is an object with known names.
 *
 * @param option - name of the option, for the message
 * @param value - what the user gave
 * @param names - the known names
 * @param remedy - what to do about a value that is no object
 * @throws DtmConfigError
 */
export function parseObject(
  option: string,
  value: unknown,
  names: readonly string[],
  remedy: string,
): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DtmConfigError(`DtmModule: ${option} must be an object, not ${describeValue(value)}; ${remedy}`);
  }
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new DtmConfigError(`DtmModule: ${option} has no ${describeValue(unknown)}; known: ${names.join(', ')}`);
  }
  return value as Record<string, unknown>;
}

/** A value in a message: text in quotes, an object as "an object". */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
