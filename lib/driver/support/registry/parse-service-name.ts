import { DtmArgumentError } from '../../../protocol/internal.js';

/** No slash, no space, no control character, nothing that a path or a query could be made of; not only dots. */
const NAME = /^(?!\.+$)[\w.-]{1,128}$/;

/** What a name may be, for messages. */
const ALLOWED = 'letters, digits, "_", "-" and ".", at most 128 of them';

/**
 * Checks the name of a service before it becomes part of a path in a registry.
 *
 * @param name - from a user, or from the network
 * @param what - names it in the message
 * @returns the name
 * @throws DtmArgumentError saying what is allowed
 */
export function parseServiceName(name: string, what = 'the name of a service'): string {
  if (NAME.test(name)) return name;
  throw new DtmArgumentError(`${what} consists of ${ALLOWED}; ${JSON.stringify(name.slice(0, 200))} does not`);
}
