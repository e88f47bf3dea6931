import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ApplicationEndpoint } from './branch/discover/application-endpoint.js';
import { InProcessBranches } from './branch/discover/in-process-branches.js';
import { endsWithin } from '../support/ends-within.js';
import { holdProcess } from '../support/hold-process.js';
import { InFlightBranches } from './branch/serve/in-flight-branches.js';
import { BranchTransport } from './branch-transport.js';
import { CoordinatorLog } from './coordinator-log.js';
import { DtmRegistration } from './dtm.registration.js';
import { DtmSettings } from './options/dtm.settings.js';
import { warnWithoutCoordinator } from './warn-without-coordinator.js';

/** How long an application that needs no port may take from bootstrap to listening. */
const LISTEN_GRACE_MS = 1000;

/** Opens the coordinator with the application, starts it when branches can be reached, and closes both in order. */
@Injectable()
export class DtmLifecycle implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('DtmModule');
  #opened = false;
  #recovered = false;
  #listenTimer: NodeJS.Timeout | undefined;
  readonly #end = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(
    private readonly settings: DtmSettings,
    private readonly inFlight: InFlightBranches,
    private readonly transport: BranchTransport,
    private readonly adapterHost: HttpAdapterHost,
    private readonly registration: DtmRegistration,
    private readonly endpoint: ApplicationEndpoint,
    private readonly branches: InProcessBranches,
  ) {}

  /** The hook is early enough for the `onApplicationBootstrap` of other modules to start transactions. */
  async onModuleInit(): Promise<void> {
    // a driver that cannot work must fail at bootstrap, and Nest's own gRPC clients may use its addresses
    await this.settings.driver.registerGrpcResolver();
    await this.settings.databases.prepareTables();
    this.endpoint.assertShareable();
    this.settings.server.attach?.(this.branches, new CoordinatorLog());
    await this.settings.server.open();
    this.#opened = true;
    void warnWithoutCoordinator(this.settings.server, this.#logger, this.#end.signal);
  }

  /**
   * An application without an HTTP server has nothing to wait for. One with an HTTP server may never listen, and branches in
   * process need no port; yet unfinished transactions may have URLs of that port, so listening soon comes first.
   */
  onApplicationBootstrap(): void {
    const { httpAdapter, listening } = this.adapterHost;
    if (!httpAdapter || listening) return this.#start();
    this.adapterHost.listen$.subscribe(() => this.#start());
    if (this.endpoint.route !== 'in-process') return;
    this.#listenTimer = setTimeout(() => this.#recover(), LISTEN_GRACE_MS).unref();
  }

  /** Nest's earliest hook: HTTP requests still come in, and the branch calls among them are rejected. */
  onModuleDestroy(): Promise<void> {
    this.#end.abort();
    // other shutdown hooks come after this one
    this.#closing ??= holdProcess(this.#close());
    return this.#closing;
  }

  #start(): void {
    if (this.#closing) return;
    this.registration.start();
    this.#recover();
  }

  #recover(): void {
    clearTimeout(this.#listenTimer);
    if (this.#recovered) return;
    this.#recovered = true;
    try {
      this.settings.server.recover();
    } catch (error) {
      // thrown in the event "listening", the error would end the process
      this.#logError('the coordinator could not resume unfinished transactions', error);
    }
  }

  async #close(): Promise<void> {
    clearTimeout(this.#listenTimer);
    // clients that look up the application from now on must find another instance
    await this.#wait('the registry', this.registration.close());
    // a handler that is still running may need the coordinator, e.g. for a nested TCC
    await this.#drain();
    try {
      if (this.#opened) await this.settings.server.close();
    } catch (error) {
      // if the error were thrown, Nest 11 would not close the rest of the application
      this.#logError('the coordinator could not be closed', error);
    }
    await this.#wait('the connections to branches', this.transport.close());
    await this.#wait('the driver', Promise.resolve(this.settings.driver.close?.()));
  }

  /** A registry or driver that does not answer must not keep the application. A coordinator limits its own close. */
  async #wait(what: string, closed: Promise<unknown>): Promise<void> {
    const { shutdownTimeoutSeconds } = this.settings;
    if (await endsWithin(shutdownTimeoutSeconds * 1000, closed)) return;
    this.#logger.warn(`shutdown goes on after ${shutdownTimeoutSeconds} s although ${what} did not close`);
  }

  /** Nest closes the connections after this hook. An answer that is not sent by then is lost, and dtm repeats the call. */
  async #drain(): Promise<void> {
    const { shutdownTimeoutSeconds } = this.settings;
    const { methods, answers } = await this.inFlight.drain(shutdownTimeoutSeconds * 1000);
    if (methods + answers === 0) return;
    this.#logger.warn(
      `shutdown goes on after ${shutdownTimeoutSeconds} s although ${methods} branch methods run and ${answers} answers are not sent: the coordinator repeats these calls; raise shutdownTimeoutSeconds if branches take longer`,
    );
  }

  #logError(message: string, error: unknown): void {
    this.#logger.error(message, error instanceof Error ? error.stack : error);
  }
}
