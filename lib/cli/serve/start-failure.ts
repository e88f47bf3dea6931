import { DtmConfigError } from '../../protocol/internal.js';
import { environmentName } from './environment.js';

/**
 * Says why the server did not start: the coordinator knows where it cannot listen, but not by which settings it was told.
 *
 * @param error - what was thrown
 * @returns what to throw instead
 */
export function startFailure(error: unknown): unknown {
  const refusal = error instanceof DtmConfigError ? /^(gRPC )?cannot listen on /.exec(error.message) : undefined;
  if (!(error instanceof DtmConfigError) || !refusal) return error;
  const keys = ['ListenHost', refusal[1] ? 'GrpcPort' : 'HttpPort'];
  const settings = keys.map((key) => `${key} (${environmentName(key)})`).join(' and ');
  return new DtmConfigError(`${error.message}; the settings are ${settings}`, { cause: error });
}
