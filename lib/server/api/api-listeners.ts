import type { Coordinator } from '../operations/coordinator.js';
import { grpcApi } from './grpc/grpc-api.js';
import { listenGrpc, type GrpcListener } from './grpc/grpc-listener.js';
import { grpcOperatorApi } from './grpc/grpc-operator-api.js';
import { BASE_PATH, httpApi } from './http/http-api.js';
import { listenHttp, type HttpListener } from './http/http-listener.js';
import { jsonRpcApi } from './http/json-rpc-api.js';
import { DEFAULT_HOST, type ListenOptions } from './listen-options.js';

/** The listeners of all APIs of a coordinator. */
export class ApiListeners {
  readonly #coordinator: Coordinator;
  #http: HttpListener | undefined;
  #grpc: GrpcListener | undefined;

  constructor(coordinator: Coordinator) {
    this.#coordinator = coordinator;
  }

  /** Base URL of the HTTP API; undefined while it does not listen. */
  get httpAddress(): string | undefined {
    return this.#http && this.#http.origin + BASE_PATH;
  }

  /** Host and port of the gRPC API; undefined while it does not listen. */
  get grpcAddress(): string | undefined {
    return this.#grpc?.address;
  }

  /** Listens for HTTP and JSON-RPC, and for gRPC when it has a port. */
  async open(options: ListenOptions): Promise<void> {
    const coordinator = this.#coordinator;
    const { metrics } = coordinator;
    this.#http = await listenHttp({ ...httpApi(coordinator), ...jsonRpcApi(coordinator) }, options, metrics);
    metrics.watchProcess();
    if (options.grpcPort === undefined) return;
    const apis = { 'dtmgimp.Dtm': grpcApi(coordinator), 'nestjsdtm.Operator': grpcOperatorApi(coordinator) };
    this.#grpc = await listenGrpc(apis, options.host ?? DEFAULT_HOST, options.grpcPort, metrics);
  }

  /** Answers what has arrived, then closes. */
  async close(): Promise<void> {
    await Promise.all([this.#http?.close(), this.#grpc?.close()]);
    this.#http = undefined;
    this.#grpc = undefined;
  }
}
