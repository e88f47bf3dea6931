import { connect } from 'node:net';
import { Injectable, Logger } from '@nestjs/common';
import { parseHostPort, type Address, type DriverRegistration } from '../driver/index.js';
import { errorText } from '../protocol/internal.js';
import { DtmSettings } from './options/dtm.options.js';

/** How long somebody may take to listen at the address that is going to be registered. */
const PATIENCE_MS = 10_000;

/** Pause between two looks whether somebody does. */
const LOOK_MS = 50;

/** Keeps the application in the registry of its driver while it can be reached. */
@Injectable()
export class DtmRegistration {
  readonly #logger = new Logger('DtmModule');
  readonly #closing = new AbortController();
  #entering: Promise<DriverRegistration | undefined> | undefined;
  #registration: DriverRegistration | undefined;

  constructor(private readonly settings: DtmSettings) {}

  /** What keeps the application from standing in the registry at present; undefined while it does, or need not. */
  get problem(): string | undefined {
    if (!this.settings.register) return undefined;
    return this.#registration ? this.#registration.problem : 'the application is not registered yet';
  }

  /** Enters the application as soon as it can be reached. Idempotent. */
  start(): void {
    this.#entering ??= this.#enter();
  }

  /** Takes it out again. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#entering;
    try {
      await this.#registration?.close();
    } catch (error) {
      this.#logger.warn(`the application could not be taken out of the registry: ${errorText(error)}`);
    }
  }

  async #enter(): Promise<DriverRegistration | undefined> {
    const { register } = this.settings;
    if (!register) return undefined;
    const { target, endpoint, service } = register;
    const address = addressIn(endpoint) ?? addressIn(target);
    if (address && !(await this.#answers(address)) && !this.#closing.signal.aborted) {
      this.#logger.warn(`nobody answers at ${address.host}:${address.port}, which is registered all the same`);
    }
    if (this.#closing.signal.aborted) return undefined;
    try {
      this.#registration = await service.register({ report: (now) => this.#report(now) });
    } catch (error) {
      // what the driver did not find when the options were checked
      this.#logger.error(`the application cannot be registered: ${errorText(error)}`);
    }
    return this.#registration;
  }

  /** A microservice begins to listen after the last hook of Nest. */
  async #answers(address: Address): Promise<boolean> {
    const end = Date.now() + PATIENCE_MS;
    while (!(await isListening(address))) {
      if (this.#closing.signal.aborted || Date.now() > end) return false;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS).unref());
    }
    return true;
  }

  #report(problem: string | undefined): void {
    if (problem === undefined) this.#logger.log('registered: others find this application by its name');
    else this.#logger.warn(problem);
  }
}

/** The first address in what a driver takes: `host:port`, `grpc://host:port,http://…`, `polaris://host:port/service`. */
function addressIn(text: string): Address | undefined {
  return parseHostPort(text.replace(/^[a-z][a-z\d+.-]*:\/\//i, '').replace(/[/,?].*$/s, ''));
}

function isListening({ host, port }: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    const end = (is: boolean): void => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}
