import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { InFlightBranches } from './branch/serve/in-flight-branches.js';
import { BranchTransport } from './branch-transport.js';
import { DtmSettings } from './options/dtm.options.js';
import { DtmRegistration } from './dtm.registration.js';

/** Opens the coordinator with the application, lets it act once branches can be reached, and closes it in order. */
@Injectable()
export class DtmLifecycle implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('DtmModule');
  #opened = false;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly settings: DtmSettings,
    private readonly gate: InFlightBranches,
    private readonly transport: BranchTransport,
    private readonly adapterHost: HttpAdapterHost,
    private readonly registration: DtmRegistration,
  ) {}

  /** Early enough for the `onApplicationBootstrap` of others to start transactions. */
  async onModuleInit(): Promise<void> {
    // a driver that cannot work should be known now, and Nest's own clients may ask for its addresses
    await this.settings.driver.registerGrpcResolver();
    await this.settings.server.open();
    this.#opened = true;
  }

  /** Without an HTTP server of its own an application has no branches to wait for. */
  onApplicationBootstrap(): void {
    if (!this.adapterHost.httpAdapter || this.adapterHost.listening) this.#begin();
    else this.adapterHost.listen$.subscribe(() => this.#begin());
  }

  /** The earliest moment that Nest offers: HTTP requests still come in, and branch calls among them are turned away. */
  onModuleDestroy(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #begin(): void {
    if (this.#closing) return;
    this.registration.start();
    try {
      this.settings.server.recover();
    } catch (error) {
      // thrown inside "listening" it would end the process
      this.#report('the coordinator could not go on with unfinished transactions', error);
    }
  }

  async #close(): Promise<void> {
    // who looks for the application now should find another instance
    await this.registration.close();
    // a handler that is still running may need the coordinator, e.g. a nested TCC
    await this.gate.close();
    try {
      if (this.#opened) await this.settings.server.close();
    } catch (error) {
      // thrown, it would keep Nest 11 from closing the rest of the application
      this.#report('the coordinator could not be closed in order', error);
    }
    await this.transport.close();
    await this.settings.driver.close?.();
  }

  #report(message: string, error: unknown): void {
    this.#logger.error(message, error instanceof Error ? error.stack : error);
  }
}
