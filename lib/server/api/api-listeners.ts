import type { CoordinatorLogger } from '../environment/coordinator-logger.js';
import type { Coordinator } from '../operations/coordinator.js';
import { grpcApi } from './grpc/grpc-api.js';
import { listenGrpc, type GrpcListener } from './grpc/grpc-listener.js';
import { grpcOperatorApi } from './grpc/grpc-operator-api.js';
import { hideInternalErrors, withErrorFilter, type ErrorFilter } from './hide-internal-errors.js';
import { BASE_PATH, httpApi } from './http/http-api.js';
import { listenHttp, type HttpListener } from './http/http-listener.js';
import { jsonRpcApi } from './http/json-rpc-api.js';
import { DEFAULT_HOST, type ListenOptions } from './listen-options.js';

/** The listeners of all APIs of a coordinator. */
export class ApiListeners {
  readonly #coordinator: Coordinator;
  readonly #errors: ErrorFilter;
  #http: HttpListener | undefined;
  #grpc: GrpcListener | undefined;

  constructor(coordinator: Coordinator, logger: CoordinatorLogger) {
    this.#coordinator = coordinator;
    this.#errors = hideInternalErrors(logger);
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
    const routes = { ...withErrorFilter(httpApi(coordinator), this.#errors), ...jsonRpcApi(coordinator, this.#errors) };
    this.#http = await listenHttp(routes, options, metrics);
    metrics.watchProcess();
    if (options.grpcPort === undefined) return;
    const apis = {
      'dtmgimp.Dtm': withErrorFilter(grpcApi(coordinator), this.#errors),
      'nestjsdtm.Operator': withErrorFilter(grpcOperatorApi(coordinator), this.#errors),
    };
    this.#grpc = await listenGrpc(apis, options.host ?? DEFAULT_HOST, options.grpcPort, metrics);
  }

  /** Answers what has arrived, then closes. */
  async close(): Promise<void> {
    await Promise.all([this.#http?.close(), this.#grpc?.close()]);
    this.#http = undefined;
    this.#grpc = undefined;
  }
}
