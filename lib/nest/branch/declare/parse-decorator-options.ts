import { DtmConfigError } from '../../../protocol/internal.js';

/**
 * Reads the options of a branch decorator, which JavaScript, and compilers that check no types, may leave out.
 *
 * @param decorator - name of the decorator, for the message
 * @param example - how it is used, for the message
 * @throws DtmConfigError when the decorator is used without parentheses, so that it got the class in place of options
 */
export function parseDecoratorOptions<T extends object>(
  decorator: string,
  options: T | undefined,
  example: string,
): Partial<T> {
  if (options === undefined) return {};
  if (typeof options !== 'function' && !Object.hasOwn(options, 'constructor')) return options;
  const { name } = typeof options === 'function' ? options : options.constructor;
  throw new DtmConfigError(`${decorator} is used without parentheses in ${name}; write ${example}`);
}

/**
 * Checks that a decorator names a companion.
 *
 * @param where - the branch method, `Controller.method`
 * @param remedy - shows how the option is set
 * @returns the companion
 * @throws DtmConfigError that shows the option
 */
export function parseCompanion<T>(where: string, option: string, companion: T | undefined, remedy: string): T {
  if (companion !== undefined) return companion;
  throw new DtmConfigError(`${where}: the branch decorator has no ${option}; ${remedy}`);
}
