import type * as Grpc from '@grpc/grpc-js';
import { DtmConfigError } from '../../protocol/internal.js';

/**
 * Loads the library of gRPC, which only those need who use gRPC.
 *
 * @throws DtmConfigError naming the command that installs it
 */
export async function loadGrpc(): Promise<typeof Grpc> {
  try {
    return await import('@grpc/grpc-js');
  } catch (cause) {
    const { code } = cause as { code?: unknown };
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw cause;
    throw new DtmConfigError('gRPC needs the package @grpc/grpc-js; run: npm install @grpc/grpc-js', { cause });
  }
}
