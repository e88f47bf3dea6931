import { connect } from 'node:net';
import { Injectable, Logger } from '@nestjs/common';
import type { DriverRegistration } from '../driver/index.js';
import { errorText } from '../protocol/internal.js';
import { parseHostPort, type HostPort } from '../support/host-port.js';
import { DtmSettings } from './options/dtm.settings.js';

/** Longest wait for the application to listen at the address that is going to be registered. */
const LISTEN_TIMEOUT_MS = 10_000;

const LISTEN_CHECK_INTERVAL_MS = 50;

/** Keeps the application in the registry of its driver while it can be reached. */
@Injectable()
export class DtmRegistration {
  readonly #logger = new Logger('DtmModule');
  readonly #closing = new AbortController();
  #registering: Promise<void> | undefined;
  #registration: DriverRegistration | undefined;

  constructor(private readonly settings: DtmSettings) {}

  /** Why the application is not registered at present; undefined while it is, or when the option `register` was not given. */
  get problem(): string | undefined {
    if (!this.settings.register) return undefined;
    return this.#registration ? this.#registration.problem : 'the application is not registered yet';
  }

  /** Registers the application as soon as it can be reached. Idempotent. */
  start(): void {
    this.#registering ??= this.#register();
  }

  /** Deregisters the application. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#registering;
    try {
      await this.#registration?.close();
    } catch (error) {
      this.#logger.warn(`the application could not be deregistered: ${errorText(error)}`);
    }
  }

  async #register(): Promise<void> {
    const { register } = this.settings;
    if (!register) return;
    const { target, endpoint, service } = register;
    const address = findAddress(endpoint) ?? findAddress(target);
    if (address && !(await this.#waitUntilListening(address)) && !this.#closing.signal.aborted) {
      this.#logger.warn(
        `nothing listens at ${address.host}:${address.port}; the address is registered nevertheless, check the option register of DtmModule`,
      );
    }
    if (this.#closing.signal.aborted) return;
    try {
      this.#registration = await service.register({ report: (now) => this.#report(now) });
    } catch (error) {
      // what the driver could not see when the options were checked
      this.#logger.error(`the application cannot be registered: ${errorText(error)}`);
    }
  }

  /** A microservice begins to listen after the last hook of Nest. */
  async #waitUntilListening(address: HostPort): Promise<boolean> {
    const end = Date.now() + LISTEN_TIMEOUT_MS;
    while (!(await isListening(address))) {
      if (this.#closing.signal.aborted || Date.now() > end) return false;
      await new Promise((resolve) => setTimeout(resolve, LISTEN_CHECK_INTERVAL_MS).unref());
    }
    return true;
  }

  #report(problem: string | undefined): void {
    if (problem === undefined) this.#logger.log('registered: clients find this application by its name');
    else this.#logger.warn(problem);
  }
}

/** The first address in a target or endpoint: `host:port`, `grpc://host:port,http://…`, `polaris://host:port/service`. */
function findAddress(text: string): HostPort | undefined {
  return parseHostPort(text.replace(/^[a-z][a-z\d+.-]*:\/\//i, '').replace(/[/,?].*$/s, ''));
}

function isListening({ host, port }: HostPort): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    const finish = (listens: boolean): void => {
      socket.destroy();
      resolve(listens);
    };
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
    socket.once('timeout', () => finish(false));
  });
}
