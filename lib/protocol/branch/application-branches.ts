import type { Outcome } from '../outcome/outcome.js';
import type { Payload } from '../payload.js';
import type { BranchContext } from './branch-context.js';
import type { BranchHeadersSource } from './branch-headers.js';

/** Beginning of a URL that names a branch of an application: docs/protocol.md#branch-urls. */
export const APP_SCHEME = 'app://';

/** The branches of the application around an embedded coordinator, which calls them without a socket. */
export interface ApplicationBranches {
  /** Name of the application, the same in all its replicas. @default the application has no name */
  readonly name: string | undefined;
  /** Headers that the coordinator adds to all its branch calls when it makes them. @default none */
  readonly branchHeaders?: BranchHeadersSource | undefined;
  /**
   * Whether the application has a branch.
   *
   * @param path - of the branch, e.g. `/bank/transOut`
   */
  has(path: string): boolean;
  /** Calls a branch; never throws. */
  call(call: InProcessBranchCall): Promise<Outcome>;
}

/** A branch call that stays inside the process. */
export interface InProcessBranchCall {
  /** Path of the branch; it may have a query. */
  readonly path: string;
  /** Transaction, branch and operation. */
  readonly context: BranchContext;
  /** JSON text; empty for none. */
  readonly payload: Payload;
  /** Branch headers. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}
