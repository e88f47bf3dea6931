import type { Server, ServerOptions } from '@grpc/grpc-js';
import {
  DTM_PROTO,
  DtmConfigError,
  EMPTY_PROTO,
  OPERATOR_PROTO,
  serviceMethods,
  type ProtoFile,
} from '../../../protocol/internal.js';
import { formatHostPort, listenerAddress } from '../../../support/host-port.js';
import { acceptEmptyAuthority } from '../../../support/empty-authority/accept-empty-authority.js';
import { loadGrpc } from '../../../support/load-grpc.js';
import type { Clock } from '../../environment/clock.js';
import type { Metrics } from '../../environment/metrics.js';
import type { StoreHealth } from '../../environment/store-health.js';
import type { GrpcHandler } from './grpc-api.js';
import { GrpcCalls } from './grpc-calls.js';
import { GrpcConnections } from './grpc-connections.js';
import { HEALTH_PROTO, HealthService } from './health-service.js';
import { REFLECTION_PROTOS, reflectionService } from './reflection-service.js';

/** A listening gRPC server. */
export interface GrpcListener {
  /** Host and port, e.g. `127.0.0.1:36790`. */
  readonly address: string;
  /**
   * Answers the calls that have arrived; then closes all connections.
   *
   * @param giveUp - closes all connections when it is aborted
   */
  close(giveUp: AbortSignal): Promise<void>;
}

/** Handlers by method, for each service. */
export interface GrpcApis {
  /** The API of dtm. */
  readonly 'dtmgimp.Dtm': Readonly<Record<string, GrpcHandler>>;
  /** Operations that the gRPC API of dtm lacks. */
  readonly 'nestjsdtm.Operator': Readonly<Record<string, GrpcHandler>>;
}

const PROTO_FILES: readonly ProtoFile[] = [DTM_PROTO, OPERATOR_PROTO, HEALTH_PROTO, ...REFLECTION_PROTOS, EMPTY_PROTO];

/**
 * Limits for the resources that a client can use. channelz stays enabled, because `forceShutdown` of grpc-js 1.14 finds only
 * connections that channelz counts.
 */
const SERVER_OPTIONS: ServerOptions = {
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
  'grpc.max_concurrent_streams': 1000,
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.max_connection_idle_ms': 600_000,
};

/** What the listener works with. */
export interface GrpcListenerEnvironment {
  /** Counts the calls. */
  readonly metrics: Pick<Metrics, 'countRequest'>;
  /** Timers. */
  readonly clock: Clock;
  /** Decides what the health service answers. */
  readonly storeHealth: StoreHealth;
}

/** Time for the last answers to reach their clients before the remaining connections are closed. */
const CLOSE_GRACE_MS = 1000;

/**
 * Listens for gRPC calls: the APIs, server reflection and health. Loads the gRPC library.
 *
 * @param apis - handlers of the APIs
 * @param host - address to listen on
 * @param port - TCP port; 0 = any free port
 * @throws DtmConfigError when the address is in use
 */
export async function listenGrpc(
  apis: GrpcApis,
  host: string,
  port: number,
  { metrics, clock, storeHealth }: GrpcListenerEnvironment,
): Promise<GrpcListener> {
  const grpc = await loadGrpc();
  const server = new grpc.Server(SERVER_OPTIONS);
  const calls = new GrpcCalls(metrics);
  const health = new HealthService(Object.keys(apis), storeHealth);
  const streams = new Set<{ end(): unknown }>();
  for (const [service, api] of Object.entries(apis)) {
    const { definition, implementation } = calls.service(serviceMethods(service, PROTO_FILES), api);
    server.addService(definition, implementation);
  }
  server.addService(serviceMethods('grpc.health.v1.Health', PROTO_FILES), health.implementation);
  const reflection = reflectionService(PROTO_FILES, (stream) => {
    streams.add(stream);
    stream.once('close', () => streams.delete(stream));
  });
  for (const { package: version } of REFLECTION_PROTOS) {
    server.addService(serviceMethods(`${version}.ServerReflection`, PROTO_FILES), reflection);
  }
  const address = formatHostPort({ host, port });
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, boundPort) =>
      error ? reject(cannotListen(address, error)) : resolve(boundPort),
    );
  });
  acceptEmptyAuthority(server);
  const connections = new GrpcConnections(bound, clock);
  return {
    address: listenerAddress({ host, port: bound }),
    async close(giveUp) {
      health.close();
      for (const stream of streams) stream.end();
      await shutDown(server, calls.close(), connections, giveUp);
    },
  };
}

function cannotListen(address: string, cause: Error): DtmConfigError {
  const why = cause.message.includes('EADDRINUSE')
    ? 'the port is in use; stop the other process or choose another gRPC port'
    : cause.message;
  return new DtmConfigError(`gRPC cannot listen on ${address}: ${why}`, { cause });
}

/** Refuses new connections and calls, waits for running calls, then closes the connections of clients that stay. */
async function shutDown(
  server: Server,
  callsOver: Promise<void>,
  connections: GrpcConnections,
  giveUp: AbortSignal,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  const force = (): void => {
    server.forceShutdown();
    // grpc-js waits until clients that do not read close their connections
    connections.destroy();
  };
  giveUp.addEventListener('abort', force);
  if (giveUp.aborted) force();
  await Promise.race([callsOver, closed]);
  const timer = setTimeout(force, CLOSE_GRACE_MS);
  await closed;
  clearTimeout(timer);
  giveUp.removeEventListener('abort', force);
  connections.close();
}
