import { DtmArgumentError } from '../errors.js';
import type { TransType } from '../vocabulary.js';

/** Headers of branch calls by name; over gRPC: metadata. */
export type BranchHeaders = Readonly<Record<string, string>>;

/** What a function of {@link BranchHeadersSource} knows of the call. */
export interface BranchHeadersCall {
  /** Global id of the transaction. */
  readonly gid: string;
  /** Mode of the transaction. */
  readonly transType: TransType;
  /**
   * URL that is called.
   *
   * @default none: the coordinator is another process, which gets the headers for all calls of the transaction
   */
  readonly url?: string | undefined;
  /** Id of the branch; `00` is the initiator. @default none, as for `url` */
  readonly branchId?: string | undefined;
  /** Operation of the branch. @default none, as for `url` */
  readonly op?: string | undefined;
}

/** Headers of a call; a header that is undefined is not sent. */
export type ComputedBranchHeaders = Readonly<Record<string, string | undefined>>;

/** Headers of all branch calls, or a function that gives those of a call. */
export type BranchHeadersSource =
  | BranchHeaders
  | ((call: BranchHeadersCall) => ComputedBranchHeaders | Promise<ComputedBranchHeaders>);

/**
 * Asserts that headers can be added to every branch call. A header that cannot be sent would stop the transaction
 * forever: docs/protocol.md#http-branch-calls.
 *
 * @param headers - values by name
 * @throws DtmArgumentError naming the header
 */
export function assertBranchHeaders(headers: BranchHeaders | undefined): void {
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || !/^[\t\u0020-\u007e]*$/.test(value)) {
      throw new DtmArgumentError(
        `branch header ${JSON.stringify(name)} has a name or value that HTTP does not allow; use printable ASCII`,
      );
    }
  }
}

/**
 * Merges headers. Names ignore case, and are lower case in the result.
 *
 * @param headers - of all calls
 * @param own - of the transaction; they take precedence
 */
export function mergeBranchHeaders(headers: ComputedBranchHeaders, own: BranchHeaders | undefined): BranchHeaders {
  // without a prototype, because a header can have the name __proto__
  const merged = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) merged[name.toLowerCase()] = value;
  for (const [name, value] of Object.entries(own ?? {})) merged[name.toLowerCase()] = value;
  return merged;
}
