import type { ArgumentsHost } from '@nestjs/common';

// Nest passes the arguments of a gRPC call to guards, filters and the method as one list. It documents the payload and the
// context of a microservice, not their order in the list, nor that the guards' list is the one that the method gets.

/** Metadata of a gRPC call. */
export interface GrpcMetadata {
  getMap(): Readonly<Record<string, unknown>>;
}

/** A unary call on the side of its server. */
export interface GrpcServerCall {
  readonly metadata: GrpcMetadata;
  /** Full method, `/pkg.Service/Method`. */
  getPath(): string;
}

/** Arguments of a unary gRPC call. */
export type GrpcArguments = [message: unknown, metadata: GrpcMetadata, call: GrpcServerCall];

/** The arguments of a gRPC call; undefined for HTTP and for microservices of other transports. */
export function findGrpcArguments(host: ArgumentsHost): GrpcArguments | undefined {
  if (host.getType() !== 'rpc') return undefined;
  const args = host.getArgs<Partial<GrpcArguments>>();
  const [, metadata, call] = args;
  const isGrpc = typeof metadata?.getMap === 'function' && call?.metadata === metadata;
  return isGrpc ? (args as GrpcArguments) : undefined;
}

/** Metadata to send with a status, of the class that gRPC gave to the metadata of a call. */
export function createTrailers(received: GrpcMetadata, name: string, value: string): GrpcMetadata {
  const Metadata = received.constructor as new () => GrpcMetadata & { set(name: string, value: string): void };
  const trailers = new Metadata();
  trailers.set(name, value);
  return trailers;
}

/** Replaces the message that interceptors, pipes and the method get. */
export function replaceGrpcMessage(args: GrpcArguments, message: unknown): void {
  args[0] = message;
}
