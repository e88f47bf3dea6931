import { randomUUID } from 'node:crypto';
import {
  type BranchRegistration,
  type DtmServer,
  type TransactionFilter,
  type TransactionRequest,
} from '../protocol/index.js';
import { httpTransport, type Transport } from '../transport/index.js';
import { BASE_PATH, httpApi } from './api/http-api.js';
import { listenHttp, type HttpListener, type ListenOptions } from './api/http-listener.js';
import { jsonRpcApi } from './api/json-rpc-api.js';
import type { Operations } from './api/operations.js';
import { systemClock, type Clock } from './clock.js';
import { Coordinator } from './coordinator.js';
import { stderrLogger, type CoordinatorLogger } from './logger.js';
import { Operator } from './operator.js';
import { Recovery } from './recovery.js';
import { Runner } from './runner.js';
import { resolveSettings, type CoordinatorSettings } from './settings.js';
import { sqliteStore } from './store/sqlite/sqlite-store.js';
import { Topics } from './topics.js';
import type { Store } from './store/store.js';

/** Options of {@link embeddedServer}; the pace of its work is that of {@link CoordinatorSettings}. */
export interface EmbeddedServerOptions extends Partial<CoordinatorSettings> {
  /** Where transactions are kept. @default sqliteStore(), the file ./.dtm/dtm.db */
  readonly store?: Store | undefined;
  /** Also serve the HTTP API, for participants and initiators in other processes. @default not listening */
  readonly listen?: ListenOptions | undefined;
  /** Reports of what nobody waits for. @default warnings and errors on stderr */
  readonly logger?: CoordinatorLogger | undefined;
  /** Time source. @default the machine's clock; tests give a virtual one */
  readonly clock?: Clock | undefined;
  /** Calls the branches. @default HTTP over pooled connections */
  readonly transport?: Transport | undefined;
}

/**
 * The coordinator inside this process: wire compatible with dtm, durable, with nothing to install. Give it to
 * `DtmModule.forRoot({ server })`, or use it alone: `open()`, `recover()`, `close()`.
 *
 * @param options - see {@link EmbeddedServerOptions}
 * @throws DtmConfigError when a setting is not allowed
 */
export function embeddedServer(options: EmbeddedServerOptions = {}): DtmServer {
  return new EmbeddedServer(options);
}

class EmbeddedServer implements DtmServer {
  readonly #store: Store;
  readonly #transport: Transport;
  readonly #runner: Runner;
  readonly #recovery: Recovery;
  readonly #operations: Operations;
  readonly #listen: ListenOptions | undefined;
  #http: HttpListener | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: EmbeddedServerOptions) {
    const {
      store = sqliteStore(),
      listen,
      logger = stderrLogger,
      clock = systemClock,
      transport = httpTransport(),
    } = options;
    const surroundings = {
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
    this.#listen = listen;
    this.#runner = new Runner(surroundings);
    this.#recovery = new Recovery(surroundings, this.#runner);
    const topics = new Topics(store, clock);
    this.#operations = {
      coordinator: new Coordinator(surroundings, this.#runner, topics),
      operator: new Operator(surroundings),
      topics,
    };
  }

  get address(): string | undefined {
    return this.#http && this.#http.origin + BASE_PATH;
  }

  async open(): Promise<void> {
    await this.#store.open();
    if (!this.#listen) return;
    try {
      this.#http = await listenHttp({ ...httpApi(this.#operations), ...jsonRpcApi(this.#operations) }, this.#listen);
    } catch (error) {
      await this.#store.close();
      throw error;
    }
  }

  recover(): void {
    if (!this.#closing) this.#recovery.start();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // from this moment nothing more is called, asked or looked for; what is under way is waited for
    await Promise.all([this.#runner.stop(), this.#http?.close(), this.#recovery.stop()]);
    // passes that a last request or look began: they store that they are due again, and end
    await this.#runner.stop();
    await this.#store.close();
    await this.#transport.close();
  }

  newGid(): Promise<string> {
    return this.#operations.coordinator.newGid();
  }

  version(): Promise<string> {
    return this.#operations.coordinator.version();
  }

  prepare(transaction: TransactionRequest): Promise<void> {
    return this.#operations.coordinator.prepare(transaction);
  }

  submit(transaction: TransactionRequest): Promise<void> {
    return this.#operations.coordinator.submit(transaction);
  }

  abort(transaction: TransactionRequest): Promise<void> {
    return this.#operations.coordinator.abort(transaction);
  }

  registerBranch(branch: BranchRegistration): Promise<void> {
    return this.#operations.coordinator.registerBranch(branch);
  }

  query(gid: string) {
    return this.#operations.coordinator.query(gid);
  }

  all(filter?: TransactionFilter) {
    return this.#operations.coordinator.all(filter);
  }

  forceStop(gid: string): Promise<void> {
    return this.#operations.operator.forceStop(gid);
  }
}
