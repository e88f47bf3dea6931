import { randomBytes } from 'node:crypto';

/** Creates an id by which the log has an error whose text its caller must not see. */
export function newErrorId(): string {
  return randomBytes(6).toString('hex');
}

/**
 * What a caller reads in place of the text of an internal error, which may contain passwords, SQL or personal data.
 *
 * @param id - by which the log has the error
 */
export function internalErrorText(id: string): string {
  return `internal error ${id}; the log has its text under this id`;
}
