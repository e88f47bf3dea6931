import { DtmArgumentError } from '../errors.js';

/**
 * Asserts that headers can be added to every branch call. A header that cannot be sent would stop the transaction
 * forever: docs/protocol.md#http-branch-calls.
 *
 * @param headers - values by name
 * @throws DtmArgumentError naming the header
 */
export function assertBranchHeaders(headers: Readonly<Record<string, string>> | undefined): void {
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || !/^[\t\u0020-\u007e]*$/.test(value)) {
      throw new DtmArgumentError(
        `branch header ${JSON.stringify(name)} has a name or value that HTTP does not allow; use printable ASCII`,
      );
    }
  }
}
