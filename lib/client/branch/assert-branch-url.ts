import {
  DtmArgumentError,
  RESERVED_PARAMETERS,
  assertBranchUrl as assertUrlForm,
  isHttpUrl,
  type Protocol,
} from '../../protocol/internal.js';
import type { Transport } from '../../transport/index.js';

/** A sample call, for the check of an address. */
const ANY_CALL = { gid: 'gid', transType: 'saga', branchId: '01' } as const;

/**
 * Refuses the URL of a branch that cannot be called, before anything is sent.
 *
 * @param name - names the URL in the error
 * @param protocol - of the transaction, if the user set it; only `grpc` allows branches over gRPC
 * @param transport - checks addresses of gRPC
 * @throws DtmArgumentError when a transaction with this protocol cannot call the URL, or its query has a parameter of dtm
 */
export function assertBranchUrl(
  url: string,
  name: string,
  protocol: Protocol | undefined,
  transport?: Pick<Transport, 'check'>,
): void {
  const assertCallable = (): void => transport?.check?.({ url, context: { ...ANY_CALL, op: name }, protocol });
  // before the general check: this error names the driver of the scheme
  if (!isHttpUrl(url) && url.includes('://')) assertCallable();
  assertUrlForm(url, name, protocol ?? 'grpc');
  if (!isHttpUrl(url)) return assertCallable();
  if (!url.includes('?')) return;
  const { searchParams } = new URL(url);
  const reserved = RESERVED_PARAMETERS.find((parameter) => searchParams.has(parameter));
  if (reserved) {
    throw new DtmArgumentError(
      `${name} ${JSON.stringify(url)} has the query parameter ${reserved}, which the coordinator adds itself; rename the parameter`,
    );
  }
}
