import { randomUUID } from 'node:crypto';
import {
  prepareService,
  resolveDriver,
  type DriverRegistration,
  type DtmDriver,
  type PreparedService,
} from '../driver/internal.js';
import type {
  ApplicationBranches,
  CoordinatorLogger,
  DtmConnection,
  TransactionRequest,
} from '../protocol/internal.js';
import { holdProcess } from '../support/hold-process.js';
import { addBranchHeaders, branchTransport, withApplication, type Transport } from '../transport/index.js';
import { ApiListeners } from './api/api-listeners.js';
import type { ListenOptions } from './api/listen-options.js';
import { AttachedApplication } from './environment/attached-application.js';
import { ClosableLogger } from './environment/closable-logger.js';
import { systemClock, type Clock } from './environment/clock.js';
import { redactingLogger } from './environment/redacting-logger.js';
import type { CoordinatorEnvironment } from './environment/coordinator-environment.js';
import { countUnfinished, type UnfinishedSummary } from './operations/count-unfinished.js';
import { Drain } from './drain.js';
import { Coordinator } from './operations/coordinator.js';
import type { AbortRequest } from './operations/transactions.js';
import { resolveSettings, type CoordinatorSettings } from './settings.js';
import { sqliteStore } from './store/sqlite/sqlite-store.js';
import type { Store } from './store/store.js';

/** Options of {@link embeddedServer}, together with {@link CoordinatorSettings}. */
export interface EmbeddedServerOptions extends Partial<CoordinatorSettings> {
  /** Stores the transactions. @default sqliteStore(), the file ./.dtm/dtm.db */
  readonly store?: Store | undefined;
  /** Serves the HTTP and gRPC APIs to participants and initiators in other processes. @default no listener */
  readonly listen?: ListenOptions | undefined;
  /** Finds services in a registry and registers this one: the name of a driver, or a driver. @default 'default', plain addresses */
  readonly driver?: DtmDriver | string | undefined;
  /** Registers the coordinator in the driver's registry while it is open. @default not registered */
  readonly register?: RegisterServerOptions | undefined;
  /** Receives the log. @default in Nest the logger of the application, elsewhere warnings and errors as JSON lines on stderr */
  readonly logger?: CoordinatorLogger | undefined;
  /** Time and timers; tests pass a virtual clock. @default the system clock */
  readonly clock?: Clock | undefined;
  /** Calls the branches. @default HTTP, gRPC and JSON-RPC over pooled connections */
  readonly transport?: Transport | undefined;
  /**
   * URL that receives a POST for each failed attempt of a branch, beginning with attempt number
   * {@link CoordinatorSettings.alertRetryLimit}.
   *
   * @default no alerts
   */
  readonly alertWebhook?: string | undefined;
}

/** How the coordinator is registered in a registry. */
export interface RegisterServerOptions {
  /** The registry and the name of the service, in the form that the driver expects. */
  readonly target: string;
  /** Where others reach the coordinator, in the form that the driver expects, e.g. `dtm.example:36790` or `grpc://dtm.example:36790`. */
  readonly endpoint: string;
}

/** A coordinator inside this process. */
export interface EmbeddedServer extends DtmConnection {
  /** Host and port of the gRPC API, e.g. `127.0.0.1:36790`; undefined while it does not listen. */
  readonly grpcAddress: string | undefined;
  /** Why the coordinator is not registered although `register` is set; otherwise undefined. */
  readonly registrationProblem: string | undefined;
}

/**
 * Creates a coordinator inside this process: durable, compatible with dtm on the wire, with no service to install. Pass it
 * to `DtmModule.forRoot({ server })`, or use it without Nest: `open()`, `recover()`, `close()`.
 *
 * @param options - see {@link EmbeddedServerOptions}
 * @throws DtmConfigError when an option is invalid or the driver is unknown
 */
export function embeddedServer(options: EmbeddedServerOptions = {}): EmbeddedServer {
  const { store = sqliteStore(), clock = systemClock, register } = options;
  const driver = resolveDriver(options.driver);
  const service = register && prepareService(driver, register.target, register.endpoint);
  const application = new AttachedApplication();
  const transport = addBranchHeaders(
    withApplication(options.transport ?? branchTransport({ driver }), application),
    () => application.branchHeaders,
  );
  const settings = resolveSettings(options);
  const owner = randomUUID();
  const logger = new ClosableLogger(redactingLogger(options.logger ?? application.logger));
  const environment = { store, transport, clock, logger, random: Math.random, settings, owner, application };
  return new EmbeddedCoordinator(environment, { ...options, driver, service, application, logger });
}

/** Dependencies of {@link EmbeddedCoordinator}. */
interface LifeCycleOptions extends Pick<EmbeddedServerOptions, 'listen' | 'alertWebhook'> {
  readonly driver: DtmDriver;
  readonly service: PreparedService | undefined;
  readonly application: AttachedApplication;
  readonly logger: ClosableLogger;
}

/** Adds the life cycle: store, listeners and registration. */
class EmbeddedCoordinator extends Coordinator implements EmbeddedServer {
  readonly #environment: CoordinatorEnvironment;
  readonly #options: LifeCycleOptions;
  readonly #listeners: ApiListeners;
  #registration: DriverRegistration | undefined;
  #unfinished: UnfinishedSummary | undefined;
  #closing: Promise<void> | undefined;

  constructor(environment: CoordinatorEnvironment, options: LifeCycleOptions) {
    super(environment, options.alertWebhook);
    this.#environment = environment;
    this.#options = options;
    const { clock, logger } = environment;
    this.#listeners = new ApiListeners(this, { clock, logger });
  }

  override get address(): string | undefined {
    return this.#listeners.httpAddress;
  }

  get grpcAddress(): string | undefined {
    return this.#listeners.grpcAddress;
  }

  get registrationProblem(): string | undefined {
    return this.#registration?.problem;
  }

  get isShared(): boolean {
    return this.#environment.store.isShared ?? false;
  }

  attach(application: ApplicationBranches, logger: CoordinatorLogger): void {
    this.#options.application.attach(application, logger);
  }

  // between two attempts nothing else may keep the process of a caller that waits
  override submit(request: TransactionRequest): Promise<void> {
    return request.waitResult ? holdProcess(super.submit(request)) : super.submit(request);
  }

  override abort(request: AbortRequest): Promise<void> {
    return request.waitResult ? holdProcess(super.abort(request)) : super.abort(request);
  }

  async open(): Promise<void> {
    const { store, logger } = this.#environment;
    const { driver, listen, service } = this.#options;
    await driver.registerGrpcResolver();
    await store.open();
    try {
      this.#unfinished = await countUnfinished(store);
      for (const risk of store.findRisks?.() ?? []) logger.warn(risk);
      if (listen) await this.#listeners.open(listen);
      if (service) await this.#register(service);
    } catch (error) {
      await this.#listeners.close(AbortSignal.abort());
      await store.close();
      throw error;
    }
  }

  async #register(service: PreparedService): Promise<void> {
    const { logger } = this.#environment;
    const report = (problem: string | undefined): void => {
      this.metrics.setRegistered(problem === undefined);
      if (problem !== undefined) logger.warn(problem);
      else logger.info('the coordinator is registered');
    };
    this.#registration = await service.register({ report });
  }

  recover(): void {
    if (this.#closing) return;
    this.start();
    if (this.#unfinished) this.#reportStart(this.#unfinished);
    this.#unfinished = undefined;
  }

  #reportStart({ isPartial, attention, ...counts }: UnfinishedSummary): void {
    const { logger, store } = this.#environment;
    const total = counts.prepared + counts.submitted + counts.aborting;
    const unfinished = `${isPartial ? 'at least ' : ''}${total}`;
    logger.info(`the coordinator has started; unfinished transactions that it takes up: ${unfinished}`, {
      store: store.name,
      ...(this.address !== undefined && { http: this.address }),
      ...(this.grpcAddress !== undefined && { grpc: this.grpcAddress }),
      ...(total > 0 && counts),
    });
    if (attention === 0) return;
    logger.warn('transactions need attention; list them with all({ attention: true })', {
      count: attention,
    });
  }

  close(): Promise<void> {
    this.#closing ??= holdProcess(this.#close());
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { store, transport, settings, clock, logger } = this.#environment;
    const drain = new Drain(settings.shutdownTimeoutSeconds, clock, logger);
    try {
      // stops calls and polling at once, then waits for running work
      await Promise.all([
        drain.wait('branch calls', this.stop()),
        drain.wait('the registry', this.#deregister()).then(() => this.#listeners.close(drain.giveUp)),
      ]);
      // a last request or poll may have started passes: they store that they are due again, and end
      await drain.wait('the last passes', this.stop());
      try {
        await drain.wait('the store', store.close());
      } finally {
        await drain.wait('connections to branches', transport.close());
        await drain.wait('the driver', Promise.resolve(this.#options.driver.close?.()));
      }
    } finally {
      drain.end();
      this.#options.logger.close();
    }
  }

  /** A registry that cannot be reached removes the registration when its lease ends. */
  async #deregister(): Promise<void> {
    try {
      await this.#registration?.close();
    } catch (error) {
      this.#environment.logger.warn('the coordinator could not be removed from the registry', { error: String(error) });
    }
  }
}
