import type { Type } from '@nestjs/common';
import { findBranchDefinition } from '../branch/definition/branch-definition.js';
import { withoutSuffix } from '../branch/definition/rpc-name.js';

// The keys of Nest's own @GrpcMethod(), and its numbers for gRPC and for messages. They are written down here because an
// application without microservices need not have the package.
const PATTERN = 'microservices:pattern';
const HANDLER_TYPE = 'microservices:handler_type';
const TRANSPORT = 'microservices:transport';
const MESSAGE = 1;
const GRPC = 4;

interface Pattern {
  readonly service: string;
  readonly rpc: string;
  readonly streaming: 'no_stream';
}

/**
 * Lets gRPC find a branch method: under the service that its decorator names, and by Nest's convention under the name of
 * its class, with and without `Controller`; where a .proto has such a service. What `@GrpcMethod()` says on the method
 * stays. Nothing changes when it is done again.
 *
 * @param controller - class of the controller
 * @param handler - the branch method
 */
export function mapGrpcMethod(controller: Type, handler: object): void {
  const { service, method } = findBranchDefinition(handler)!.rpc;
  const present = (Reflect.getMetadata(PATTERN, handler) ?? []) as readonly Pattern[];
  // the method also serves another transport, by the user's own decorator
  if (present.length > 0 && Reflect.getMetadata(TRANSPORT, handler) !== GRPC) return;
  const services = new Set([service, controller.name, withoutSuffix(controller.name)]);
  const own = [...services].map((name): Pattern => ({ service: name, rpc: method, streaming: 'no_stream' }));
  const isNew = ({ service: name, rpc }: Pattern): boolean =>
    !present.some((pattern) => pattern.service === name && pattern.rpc === rpc);
  Reflect.defineMetadata(PATTERN, [...present, ...own.filter(isNew)], handler);
  Reflect.defineMetadata(HANDLER_TYPE, MESSAGE, handler);
  Reflect.defineMetadata(TRANSPORT, GRPC, handler);
}
