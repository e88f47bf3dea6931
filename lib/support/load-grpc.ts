import type * as Grpc from '@grpc/grpc-js';
import { importPackage } from './load-package.js';

/**
 * Loads the gRPC library, an optional package.
 *
 * @throws DtmConfigError with the command that installs the package
 */
export function loadGrpc(): Promise<typeof Grpc> {
  return importPackage(() => import('@grpc/grpc-js'), '@grpc/grpc-js', 'gRPC');
}
