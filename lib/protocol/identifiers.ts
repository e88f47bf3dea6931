import { DtmArgumentError } from './errors.js';

/** Longest gid and branch id in characters: the width of the columns of dtm. */
export const MAX_ID_LENGTH = 128;

/** Longest operation name in characters. */
export const MAX_OP_LENGTH = 45;

/**
 * Refuses identifiers that some database or peer on the way would alter, cut or confuse with another: control
 * characters, `;` (Go dtm deletes it), blanks at the ends (MySQL ignores trailing ones), more characters than the columns hold.
 *
 * @param name - wire name of the field, for the message
 * @param value - the identifier
 * @param maxLength - most characters allowed
 * @returns the identifier, unchanged
 * @throws DtmArgumentError when it is not allowed
 */
export function parseIdentifier(name: string, value: unknown, maxLength: number = MAX_ID_LENGTH): string {
  if (typeof value !== 'string' || value === '') {
    throw new DtmArgumentError(`${name} must be a text that is not empty`);
  }
  if (value.length > maxLength && [...value].length > maxLength) {
    throw new DtmArgumentError(`${name} has more than ${maxLength} characters`);
  }
  // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
  if (/[\u0000-\u001f\u007f-\u009f;\u2028\u2029\p{Surrogate}]/u.test(value) || value !== value.trim()) {
    throw new DtmArgumentError(
      `${name} ${JSON.stringify(value)} holds a control character, a ";", a blank at an end, or broken Unicode`,
    );
  }
  return value;
}

/**
 * {@link parseIdentifier} for a global id.
 *
 * @param gid - the global id
 * @throws DtmArgumentError when it is not allowed
 */
export function parseGid(gid: unknown): string {
  return parseIdentifier('gid', gid, MAX_ID_LENGTH);
}
