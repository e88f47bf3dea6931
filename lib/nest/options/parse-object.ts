import { DtmConfigError, isJsonObject } from '../../protocol/internal.js';
import { describeValue } from '../../support/describe-value.js';

/**
 * Checks that an option is an object with known names.
 *
 * @param option - name of the option, for the message
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
  if (!isJsonObject(value)) {
    throw new DtmConfigError(`DtmModule: ${option} must be an object, not ${describeValue(value)}; ${remedy}`);
  }
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new DtmConfigError(`DtmModule: ${option} has no ${describeValue(unknown)}; known: ${names.join(', ')}`);
  }
  return value;
}
