import { DtmConfigError, type BranchHeadersSource } from '../../protocol/internal.js';
import { describeValue } from '../../support/describe-value.js';
import { ForwardedHeaders } from './forwarded-headers.js';

/** Headers of one connection, of one body, and of one caller. */
const REFUSED =
  /^(authorization|proxy-.*|cookie|set-cookie|host|connection|keep-alive|upgrade|te|trailer|transfer-encoding|expect|accept|content-.*|dtm-.*|grpc-.*|.*-bin)$/;

/**
 * Checks the option `forwardHeaders`.
 *
 * @param names - the option
 * @param branchHeaders - headers that the application gives to its branches; no request may replace one
 * @throws DtmConfigError when a header cannot be passed on
 */
export function parseForwardHeaders(
  names: unknown,
  branchHeaders: BranchHeadersSource | undefined,
): ForwardedHeaders | undefined {
  if (names === undefined) return undefined;
  const remedy = "give names such as ['x-request-id', 'traceparent']";
  if (!Array.isArray(names)) {
    throw new DtmConfigError(`DtmModule: forwardHeaders is ${describeValue(names)}; ${remedy}`);
  }
  const given = new Set(Object.keys(branchHeaders ?? {}).map((name) => name.toLowerCase()));
  const lower = names.map((name: unknown) => {
    if (typeof name !== 'string' || !/^[\w.-]+$/.test(name)) {
      throw new DtmConfigError(
        `DtmModule: forwardHeaders: ${describeValue(name)} is not the name of a header; ${remedy}`,
      );
    }
    if (REFUSED.test(name.toLowerCase())) {
      throw new DtmConfigError(
        `DtmModule: forwardHeaders: ${name} belongs to one request and is not passed on, because a branch is also called later and by ` +
          'another process; give the branches credentials of their own with branchHeaders',
      );
    }
    if (given.has(name.toLowerCase())) {
      throw new DtmConfigError(
        `DtmModule: forwardHeaders: branchHeaders gives ${name}, which a request must not replace; leave it out of one of the two`,
      );
    }
    return name.toLowerCase();
  });
  return lower.length === 0 ? undefined : new ForwardedHeaders([...new Set(lower)]);
}
