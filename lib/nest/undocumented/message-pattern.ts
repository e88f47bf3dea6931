// The keys of `@GrpcMethod()` and its numbers for gRPC and for messages. They are written down here because an application
// without microservices need not install the package.
const PATTERN = 'microservices:pattern';
const HANDLER_TYPE = 'microservices:handler_type';
const TRANSPORT = 'microservices:transport';
const MESSAGE = 1;

/** Nest's number for the transport gRPC. */
export const GRPC_TRANSPORT = 4;

/** Name of a gRPC method. */
export interface GrpcPattern {
  readonly service: string;
  readonly rpc: string;
}

/**
 * Makes gRPC find a method under further names, like `@GrpcMethod()`. Names that the method has already stay, and a method
 * that serves another transport stays as it is. Idempotent.
 */
export function addGrpcPatterns(handler: object, patterns: readonly GrpcPattern[]): void {
  const present = (Reflect.getMetadata(PATTERN, handler) ?? []) as readonly GrpcPattern[];
  if (present.length > 0 && Reflect.getMetadata(TRANSPORT, handler) !== GRPC_TRANSPORT) return;
  const added = patterns.filter(
    ({ service, rpc }) => !present.some((pattern) => pattern.service === service && pattern.rpc === rpc),
  );
  const all = [...present, ...added.map((pattern) => ({ ...pattern, streaming: 'no_stream' }))];
  Reflect.defineMetadata(PATTERN, all, handler);
  Reflect.defineMetadata(HANDLER_TYPE, MESSAGE, handler);
  Reflect.defineMetadata(TRANSPORT, GRPC_TRANSPORT, handler);
}
