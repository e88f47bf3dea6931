import { randomUUID } from 'node:crypto';
import {
  prepareService,
  resolveDriver,
  type DriverRegistration,
  type DtmDriver,
  type PreparedService,
} from '../driver/internal.js';
import {
  DtmConfigError,
  type BranchRegistration,
  type DtmConnection,
  type TransactionFilter,
  type TransactionRequest,
} from '../protocol/internal.js';
import { branchTransport, type Transport } from '../transport/index.js';
import { grpcApi } from './api/grpc/grpc-api.js';
import { grpcOperatorApi } from './api/grpc/grpc-operator-api.js';
import { listenGrpc, type GrpcListener } from './api/grpc/grpc-listener.js';
import { BASE_PATH, httpApi } from './api/http/http-api.js';
import { listenHttp, type HttpListener, type ListenOptions } from './api/http/http-listener.js';
import { jsonRpcApi } from './api/http/json-rpc-api.js';
import { systemClock, type Clock } from './environment/clock.js';
import { stderrLogger, type CoordinatorLogger } from './environment/coordinator-logger.js';
import { createCoordinator, type RunningCoordinator } from './create-coordinator.js';
import { resolveSettings, type CoordinatorSettings } from './settings.js';
import { sqliteStore } from './store/sqlite/sqlite-store.js';
import type { Store } from './store/store.js';

/** Options of {@link embeddedServer}; the pace of its work is that of {@link CoordinatorSettings}. */
export interface EmbeddedServerOptions extends Partial<CoordinatorSettings> {
  /** Where transactions are kept. @default sqliteStore(), the file ./.dtm/dtm.db */
  readonly store?: Store | undefined;
  /** Also serve the HTTP and gRPC APIs, for participants and initiators in other processes. @default not listening */
  readonly listen?: ListenOptions | undefined;
  /** Finds and registers services; its name, or an object. @default 'default', plain addresses */
  readonly driver?: DtmDriver | string | undefined;
  /** Enters the coordinator into the driver's registry while it is open. @default not entered */
  readonly register?: RegisterServerOptions | undefined;
  /** Reports of what nobody waits for. @default warnings and errors on stderr */
  readonly logger?: CoordinatorLogger | undefined;
  /** Time source. @default the machine's clock; tests give a virtual one */
  readonly clock?: Clock | undefined;
  /** Calls the branches. @default HTTP and gRPC over pooled connections */
  readonly transport?: Transport | undefined;
  /** Is posted every failed try of a branch from the {@link CoordinatorSettings.alertRetryLimit}th on. @default nobody */
  readonly alertWebhook?: string | undefined;
}

/** How the coordinator stands in a registry. */
export interface RegisterServerOptions {
  /** Which registry, and under which name; its form is the driver's. */
  readonly target: string;
  /** Where the coordinator is reached, e.g. `dtm.example:36790`. */
  readonly endpoint: string;
}

/** A coordinator inside this process. */
export interface EmbeddedServer extends DtmConnection {
  /** Where the gRPC API is reached, e.g. `127.0.0.1:36790`; undefined while it does not listen. */
  readonly grpcAddress: string | undefined;
  /** What keeps it from standing in the registry at present; undefined while it stands there, or need not. */
  readonly registrationProblem: string | undefined;
}

/**
 * The coordinator inside this process: wire compatible with dtm, durable, with nothing to install. Give it to
 * `DtmModule.forRoot({ server })`, or use it alone: `open()`, `recover()`, `close()`.
 *
 * @param options - see {@link EmbeddedServerOptions}
 * @throws DtmConfigError when a setting is not allowed, or there is no such driver
 */
export function embeddedServer(options: EmbeddedServerOptions = {}): EmbeddedServer {
  return new Embedded(options);
}

class Embedded implements EmbeddedServer {
  readonly #store: Store;
  readonly #transport: Transport;
  readonly #parts: RunningCoordinator;
  readonly #listen: ListenOptions | undefined;
  readonly #driver: DtmDriver;
  readonly #service: PreparedService | undefined;
  readonly #logger: CoordinatorLogger;
  #http: HttpListener | undefined;
  #grpc: GrpcListener | undefined;
  #registration: DriverRegistration | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: EmbeddedServerOptions) {
    const { store = sqliteStore(), logger = stderrLogger, clock = systemClock, alertWebhook } = options;
    if (alertWebhook !== undefined && !URL.canParse(alertWebhook)) {
      throw new DtmConfigError('embedded coordinator: alertWebhook must be an http or https URL');
    }
    const driver = resolveDriver(options.driver);
    const { register } = options;
    this.#service = register && prepareService(driver, register.target, register.endpoint);
    const transport = options.transport ?? branchTransport({ driver });
    const environment = {
      store,
      transport,
      clock,
      logger,
      random: Math.random,
      settings: resolveSettings(options),
      owner: randomUUID(),
    };
    this.#store = store;
    this.#transport = transport;
    this.#listen = options.listen;
    this.#driver = driver;
    this.#logger = logger;
    this.#parts = createCoordinator(environment, alertWebhook);
  }

  /** Called without a socket; branches over gRPC make a transaction one of gRPC. */
  readonly protocol = 'http';

  get address(): string | undefined {
    return this.#http && this.#http.origin + BASE_PATH;
  }

  get grpcAddress(): string | undefined {
    return this.#grpc?.address;
  }

  get registrationProblem(): string | undefined {
    return this.#registration?.problem;
  }

  async open(): Promise<void> {
    await this.#driver.registerGrpcResolver();
    await this.#store.open();
    try {
      if (this.#listen) await this.#openApis(this.#listen);
      if (this.#service) await this.#register(this.#service);
    } catch (error) {
      await this.#closeApis();
      await this.#store.close();
      throw error;
    }
  }

  async #openApis(listen: ListenOptions): Promise<void> {
    this.#http = await listenHttp({ ...httpApi(this.#parts), ...jsonRpcApi(this.#parts) }, listen, this.#parts.metrics);
    this.#parts.metrics.watchProcess();
    if (listen.grpcPort !== undefined) {
      const host = listen.host ?? '127.0.0.1';
      const apis = { 'dtmgimp.Dtm': grpcApi(this.#parts), 'nestjsdtm.Operator': grpcOperatorApi(this.#parts) };
      this.#grpc = await listenGrpc(apis, host, listen.grpcPort, this.#parts.metrics);
    }
  }

  async #register(service: PreparedService): Promise<void> {
    const report = (problem: string | undefined): void => {
      this.#parts.metrics.setRegistered(problem === undefined);
      if (problem !== undefined) this.#logger.warn(problem);
      else this.#logger.info('the coordinator is registered: others find it by its name');
    };
    this.#registration = await service.register({ report });
  }

  async #closeApis(): Promise<void> {
    await Promise.all([this.#http?.close(), this.#grpc?.close()]);
    this.#http = undefined;
    this.#grpc = undefined;
  }

  /** Whoever looks for a coordinator should find another one; where the registry is gone, the entry ends by itself. */
  async #deregister(): Promise<void> {
    try {
      await this.#registration?.close();
    } catch (error) {
      this.#logger.warn('the coordinator could not be taken out of the registry', { error: String(error) });
    }
  }

  recover(): void {
    if (!this.#closing) this.#parts.start();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // from this moment nothing more is called, asked or looked for; what is under way is waited for
    await Promise.all([this.#parts.stop(), this.#deregister().then(() => this.#closeApis())]);
    // passes that a last request or look began: they store that they are due again, and end
    await this.#parts.stop();
    await this.#store.close();
    await this.#transport.close();
    await this.#driver.close?.();
  }

  newGid(): Promise<string> {
    return this.#parts.coordinator.newGid();
  }

  version(): Promise<string> {
    return this.#parts.coordinator.version();
  }

  prepare(transaction: TransactionRequest): Promise<void> {
    return this.#parts.coordinator.prepare(transaction);
  }

  submit(transaction: TransactionRequest): Promise<void> {
    return this.#parts.coordinator.submit(transaction);
  }

  abort(transaction: TransactionRequest): Promise<void> {
    return this.#parts.coordinator.abort(transaction);
  }

  registerBranch(branch: BranchRegistration): Promise<void> {
    return this.#parts.coordinator.registerBranch(branch);
  }

  query(gid: string) {
    return this.#parts.coordinator.query(gid);
  }

  all(filter?: TransactionFilter) {
    return this.#parts.coordinator.all(filter);
  }

  forceStop(gid: string): Promise<void> {
    return this.#parts.operator.forceStop(gid);
  }

  retryNow(gid: string): Promise<void> {
    return this.#parts.operator.retryNow(gid);
  }

  subscribe(topic: string, url: string, remark = ''): Promise<void> {
    return this.#parts.topics.subscribe(topic, url, remark);
  }

  unsubscribe(topic: string, url: string): Promise<void> {
    return this.#parts.topics.unsubscribe(topic, url);
  }

  deleteTopic(topic: string): Promise<void> {
    return this.#parts.topics.deleteTopic(topic);
  }
}
