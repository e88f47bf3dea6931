import type { EmbeddedServer, EmbeddedServerOptions } from 'nestjs-dtm/server';
import { startCoordinator, type CoordinatorBed } from './coordinator.js';
import { GrpcClient } from './grpc-client.js';

/** A coordinator that listens for gRPC, and HTTP beside it, and the shortest way to ask it. */
export interface GrpcCoordinator extends CoordinatorBed {
  /** `127.0.0.1:<port>` */
  readonly address: string;
  /** `http://127.0.0.1:<port>/api/dtmsvr` */
  readonly base: string;
  readonly client: GrpcClient;
  call: GrpcClient['call'];
  /** Status and message, e.g. `ABORTED no money FAILURE`. */
  answer: GrpcClient['answer'];
}

/** Starts one on free ports; ends with the test. */
export async function startGrpcCoordinator(options: EmbeddedServerOptions = {}): Promise<GrpcCoordinator> {
  const listen = { port: 0, grpcPort: 0 };
  const bed = await startCoordinator({ listen, ...options } as Parameters<typeof startCoordinator>[0]);
  const address = (bed.server as EmbeddedServer).grpcAddress!;
  const client = new GrpcClient(address);
  return {
    ...bed,
    address,
    base: bed.server.address!,
    client,
    call: (...args) => client.call(...args),
    answer: (...args) => client.answer(...args),
  };
}
