import { DtmConfigError } from '../../protocol/internal.js';
import { environmentVariableOf } from './config/read-environment.js';

/**
 * Adds the names of the settings to the error of a port that cannot be opened. The coordinator's error has only the
 * address.
 *
 * @returns the error to throw instead
 */
export function explainStartFailure(error: unknown): unknown {
  const refusal = error instanceof DtmConfigError ? /^(gRPC )?cannot listen on /.exec(error.message) : undefined;
  if (!(error instanceof DtmConfigError) || !refusal) return error;
  const keys = ['ListenHost', refusal[1] ? 'GrpcPort' : 'HttpPort'];
  const settings = keys.map((key) => `${key} (${environmentVariableOf(key)})`).join(' and ');
  return new DtmConfigError(`${error.message}; the settings are ${settings}`, { cause: error });
}
