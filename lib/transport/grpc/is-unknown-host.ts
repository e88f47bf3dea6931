import { promises as dns } from 'node:dns';
import { GRPC_STATUS } from '../../protocol/internal.js';
import { parseHostPort } from '../../support/host-port.js';
import { isDefiniteError } from '../is-definite-error.js';
import type { GrpcAnswer } from './unary-call.js';

/** Longest time of the second lookup in milliseconds. */
const MAX_LOOKUP_MS = 1000;

/**
 * Whether a call failed because no host has the name of the server. gRPC reports every error of the resolver in the same
 * way, so the name is looked up again.
 *
 * @param server - `host:port`
 * @param answer - of the call
 */
export async function isUnknownHost(server: string, { code, details }: GrpcAnswer): Promise<boolean> {
  if (code !== GRPC_STATUS.UNAVAILABLE || !details.startsWith('Name resolution failed')) return false;
  const host = parseHostPort(server)?.host;
  if (host === undefined) return false;
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), MAX_LOOKUP_MS);
    const end = (isUnknown: boolean): void => {
      clearTimeout(timer);
      resolve(isUnknown);
    };
    dns.lookup(host).then(
      () => end(false),
      (error: unknown) => end(isDefiniteError(error)),
    );
  });
}
