import type { EmbeddedServer, EmbeddedServerOptions } from 'nestjs-dtm/server';
import { startCoordinator, type CoordinatorFixture } from './coordinator.js';
import { GrpcClient } from './grpc-client.js';

/** A coordinator that listens on gRPC and HTTP, with a client for short calls. */
export interface GrpcCoordinator extends CoordinatorFixture {
  /** `127.0.0.1:<port>` */
  readonly address: string;
  /** `http://127.0.0.1:<port>/api/dtmsvr` */
  readonly base: string;
  readonly client: GrpcClient;
  call: GrpcClient['call'];
  /** Status and message, e.g. `ABORTED no money FAILURE`. */
  answer: GrpcClient['answer'];
}

/** Starts a coordinator on free ports; closes it after the test. */
export async function startGrpcCoordinator(options: EmbeddedServerOptions = {}): Promise<GrpcCoordinator> {
  const listen = { port: 0, grpcPort: 0 };
  const fixture = await startCoordinator({ listen, ...options } as Parameters<typeof startCoordinator>[0]);
  const address = (fixture.server as EmbeddedServer).grpcAddress!;
  const client = new GrpcClient(address);
  return {
    ...fixture,
    address,
    base: fixture.server.address!,
    client,
    call: (...args) => client.call(...args),
    answer: (...args) => client.answer(...args),
  };
}
