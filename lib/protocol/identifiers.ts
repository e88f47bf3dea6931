import { DtmArgumentError } from './errors.js';

/** Longest gid and branch id in characters: the width of the columns in dtm's tables. */
export const MAX_ID_LENGTH = 128;

/** Longest operation name in characters. */
export const MAX_OP_LENGTH = 45;

/**
 * Refuses an identifier that a database or peer would alter, cut or confuse with another: control characters, `;` (Go dtm
 * deletes it), blanks at the ends (MySQL ignores trailing blanks), more characters than the columns hold, and U+FFFD, which
 * decoders write in place of any bytes that are not UTF-8: docs/protocol.md#identifiers.
 *
 * @param name - wire name of the field, for the message
 * @param value - the identifier
 * @param maxLength - most characters
 * @returns the identifier, unchanged
 * @throws DtmArgumentError when the identifier is not allowed
 */
export function parseIdentifier(name: string, value: unknown, maxLength: number = MAX_ID_LENGTH): string {
  if (typeof value !== 'string' || value === '') {
    throw new DtmArgumentError(`${name} must be a non-empty string`);
  }
  if (value.length > maxLength && [...value].length > maxLength) {
    throw new DtmArgumentError(`${name} has more than ${maxLength} characters`);
  }
  // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
  if (/[\u0000-\u001f\u007f-\u009f;\u2028\u2029\ufffd\p{Surrogate}]/u.test(value) || value !== value.trim()) {
    throw new DtmArgumentError(
      `${name} ${JSON.stringify(value)} is not allowed: it has a control character, a ";", a blank at an end, or broken Unicode`,
    );
  }
  return value;
}

/** {@link parseIdentifier} for a global id. */
export function parseGid(gid: unknown): string {
  return parseIdentifier('gid', gid, MAX_ID_LENGTH);
}
