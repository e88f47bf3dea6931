import type { CoordinatorEnvironment } from '../environment/coordinator-environment.js';
import type { Coordinator } from '../operations/coordinator.js';
import { AnswerBudget } from './answer-budget.js';
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
  readonly #clock: CoordinatorEnvironment['clock'];
  readonly #errors: ErrorFilter;
  #http: HttpListener | undefined;
  #grpc: GrpcListener | undefined;

  constructor(coordinator: Coordinator, { clock, logger }: Pick<CoordinatorEnvironment, 'clock' | 'logger'>) {
    this.#coordinator = coordinator;
    this.#clock = clock;
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
    const { metrics, storeHealth } = coordinator;
    // one for all APIs: they share the memory
    const budget = new AnswerBudget(this.#clock);
    const routes = {
      ...withErrorFilter(httpApi(coordinator, budget), this.#errors),
      ...jsonRpcApi(coordinator, this.#errors),
    };
    this.#http = await listenHttp(routes, options, metrics, this.#clock);
    metrics.watchProcess();
    if (options.grpcPort === undefined) return;
    const apis = {
      'dtmgimp.Dtm': withErrorFilter(grpcApi(coordinator, budget), this.#errors),
      'nestjsdtm.Operator': withErrorFilter(grpcOperatorApi(coordinator, budget), this.#errors),
    };
    const environment = { metrics, storeHealth, clock: this.#clock };
    this.#grpc = await listenGrpc(apis, options.host ?? DEFAULT_HOST, options.grpcPort, environment);
  }

  /**
   * Answers what has arrived, then closes.
   *
   * @param giveUp - closes at once when it is aborted
   */
  async close(giveUp: AbortSignal): Promise<void> {
    await Promise.all([this.#http?.close(giveUp), this.#grpc?.close(giveUp)]);
    this.#http = undefined;
    this.#grpc = undefined;
  }
}
