import {
  DtmArgumentError,
  DtmConfigError,
  RESERVED_PARAMETERS,
  checkBranchUrl as checkUrl,
  isHttpUrl,
  type Protocol,
  type StepUrls,
} from '../../protocol/internal.js';
import type { Transport } from '../../transport/index.js';

/** URLs of a TCC branch. */
export interface TccUrls {
  /** Called by the initiator: reserve. */
  readonly try: string;
  /** Called by the coordinator: make the reservation final. */
  readonly confirm: string;
  /** Called by the coordinator: take the reservation back. */
  readonly cancel: string;
}

/** Keeps the types of a branch without a value at run time. */
declare const branchTypes: unique symbol;

/**
 * A branch named by code instead of by URL, with the types of its payload and result; in Nest, `branchOf` makes them.
 *
 * @typeParam P - payload
 * @typeParam R - result of a TCC try
 */
export interface BranchRef<P = unknown, R = unknown> {
  /** Never present; carries the types. */
  readonly [branchTypes]?: { readonly payload: P; readonly result: R };
}

/** The payload as an argument: left out where the branch takes none. */
export type PayloadArgument<P> = undefined extends P ? [payload?: P] : [payload: P];

/** Finds the URLs of a branch that is named by code. */
export interface BranchLocator {
  /** URLs of a saga branch; throws DtmConfigError when it is none. */
  sagaUrls(ref: BranchRef): StepUrls;
  /** URLs of a TCC branch; throws DtmConfigError when it is none. */
  tccUrls(ref: BranchRef): TccUrls;
  /** URL of a branch that takes messages; throws DtmConfigError when it does not. */
  msgUrl(ref: BranchRef): string;
  /** URL of an XA branch, for both phases; throws DtmConfigError when it is none. */
  xaUrl(ref: BranchRef): string;
}

/** For use without a framework: only URLs are known. */
export const urlsOnly: BranchLocator = {
  sagaUrls: refuse,
  tccUrls: refuse,
  msgUrl: refuse,
  xaUrl: refuse,
};

function refuse(): never {
  throw new DtmConfigError('a branch reference can be resolved by DtmService only; give URLs here');
}

/** A call, as far as it matters for whether a branch can be called. */
const SOME_CALL = { gid: 'gid', transType: 'saga', branchId: '01' } as const;

/**
 * Checks the URL of a branch before anything is sent.
 *
 * @param url - absolute URL; `''` is left to the caller
 * @param what - names the URL in the message
 * @param protocol - of the transaction, where it was given; only one of gRPC has branches over gRPC
 * @param transport - knows the addresses of gRPC
 * @throws DtmArgumentError when it is not a URL that such a transaction can have, or its query holds a parameter that dtm
 *   adds
 */
export function checkBranchUrl(
  url: string,
  what: string,
  protocol: Protocol | undefined,
  transport?: Pick<Transport, 'check'>,
): void {
  const check = (): void => transport?.check?.({ url, context: { ...SOME_CALL, op: what }, protocol });
  // first: it names the driver of a scheme
  if (!isHttpUrl(url) && url.includes('://')) check();
  checkUrl(url, what, protocol ?? 'grpc');
  if (!isHttpUrl(url)) return check();
  if (!url.includes('?')) return;
  const { searchParams } = new URL(url);
  const taken = RESERVED_PARAMETERS.find((name) => searchParams.has(name));
  if (taken)
    throw new DtmArgumentError(
      `${what} ${JSON.stringify(url)} has the query parameter ${taken}, which dtm adds itself`,
    );
}
