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
import { loadGrpc } from '../../../support/load-grpc.js';
import type { Metrics } from '../../environment/metrics.js';
import { ServerSockets } from './server-sockets.js';
import type { GrpcHandler } from './grpc-api.js';
import { GrpcCalls } from './grpc-calls.js';
import { HEALTH_PROTO, HealthService } from './health-service.js';
import { REFLECTION_PROTOS, reflectionService } from './reflection-service.js';

/** A listening gRPC server. */
export interface GrpcListener {
  /** Host and port, e.g. `127.0.0.1:36790`. */
  readonly address: string;
  /** Answers the calls that have arrived; then closes all connections. */
  close(): Promise<void>;
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

/** Time for the last answers to reach their clients before the remaining connections are closed. */
const CLOSE_GRACE_MS = 1000;

/**
 * Listens for gRPC calls: the APIs, server reflection and health. Loads the gRPC library.
 *
 * @param apis - handlers of the APIs
 * @param host - address to listen on
 * @param port - TCP port; 0 = any free port
 * @param metrics - counts the calls
 * @throws DtmConfigError when the address is in use
 */
export async function listenGrpc(
  apis: GrpcApis,
  host: string,
  port: number,
  metrics: Pick<Metrics, 'countRequest'>,
): Promise<GrpcListener> {
  const grpc = await loadGrpc();
  const server = new grpc.Server(SERVER_OPTIONS);
  const calls = new GrpcCalls(metrics);
  const health = new HealthService(Object.keys(apis));
  const streams = new Set<{ end(): unknown }>();
  for (const [service, api] of Object.entries(apis)) {
    server.addService(serviceMethods(service, PROTO_FILES), calls.service(api));
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
  const sockets = new ServerSockets(bound);
  return {
    address: listenerAddress({ host, port: bound }),
    async close() {
      health.close();
      for (const stream of streams) stream.end();
      await shutDown(server, calls.close(), sockets);
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
async function shutDown(server: Server, callsOver: Promise<void>, sockets: ServerSockets): Promise<void> {
  const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  await callsOver;
  const timer = setTimeout(() => {
    server.forceShutdown();
    // grpc-js waits until clients that do not read close their connections
    sockets.destroy();
  }, CLOSE_GRACE_MS);
  await closed;
  clearTimeout(timer);
  sockets.close();
}
