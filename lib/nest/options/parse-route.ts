import { DtmConfigError, type DtmConnection } from '../../protocol/internal.js';
import { describeValue } from '../../support/describe-value.js';
import type { BranchRoute } from './dtm.options.js';

const ROUTES: readonly unknown[] = ['in-process', 'http', 'grpc'] satisfies readonly BranchRoute[];

/**
 * Checks the option `over`.
 *
 * @param option - name of the option, for the message
 * @param server - the coordinator. @default not known yet
 * @throws DtmConfigError when the coordinator cannot call branches in this way
 */
export function parseRoute(option: string, over: unknown, server?: DtmConnection): BranchRoute | undefined {
  if (over === undefined) return undefined;
  if (!ROUTES.includes(over)) {
    throw new DtmConfigError(`${option} must be 'in-process', 'http' or 'grpc', not ${describeValue(over)}`);
  }
  if (over === 'in-process' && server) assertEmbedded(option, server);
  return over as BranchRoute;
}

/** @throws DtmConfigError when the coordinator is another process */
export function assertEmbedded(option: string, server: DtmConnection): void {
  if (server.attach) return;
  throw new DtmConfigError(
    `${option} is 'in-process', but the coordinator is another process, which can call branches over the network only; ` +
      `set 'http' or 'grpc', or use embeddedServer()`,
  );
}
