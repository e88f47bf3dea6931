import { DtmArgumentError } from '../../../protocol/internal.js';

/** Characters that are plain in a path and in a query, and not only dots. */
const NAME = /^(?!\.+$)[\w.-]{1,128}$/;

/**
 * Checks a name before it becomes part of a path in a registry.
 *
 * @param name - from a user, or from the network
 * @param what - names it in the message
 * @returns the name
 * @throws DtmArgumentError with the allowed characters
 */
export function parseServiceName(name: string, what = 'the name of a service'): string {
  if (NAME.test(name)) return name;
  throw new DtmArgumentError(
    `${what} is ${JSON.stringify(name.slice(0, 200))}; expected letters, digits, "_", "-" and ".", at most 128 characters`,
  );
}
