import { DtmConfigError } from '../protocol/internal.js';

/** Longest name that PostgreSQL does not cut. */
const MAX_NAME_LENGTH = 63;

/** Whether a name is a plain identifier that no database cuts. */
export function isSqlName(name: unknown, maxLength: number = MAX_NAME_LENGTH): name is string {
  return typeof name === 'string' && name.length <= maxLength && /^[A-Za-z_][A-Za-z0-9_-]*$/.test(name);
}

/**
 * Refuses a name that is not a plain identifier. Statements quote the name anyway; this rule makes it mean the same in
 * every database and every tool.
 *
 * @param option - option that holds the name, for the message
 * @param name - name of a database, schema or table
 * @param maxLength - shorter where other names are made from this one. @default 63
 * @throws DtmConfigError when the name is not allowed
 */
export function parseSqlName(option: string, name: unknown, maxLength: number = MAX_NAME_LENGTH): string {
  if (isSqlName(name, maxLength)) return name;
  throw new DtmConfigError(
    `${option} is ${JSON.stringify(name)}: a name has letters, digits, "_" and "-", starts with a letter or "_", ` +
      `and is at most ${maxLength} characters long`,
  );
}
