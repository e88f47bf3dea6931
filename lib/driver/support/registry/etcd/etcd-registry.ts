import type { Etcd3, IWatchResponse, Watcher } from 'etcd3';
import { errorText } from '../../../../protocol/internal.js';
import { formatHostPort, type HostPort } from '../../../../support/host-port.js';
import type { DriverRegistration, RegisterOptions } from '../../../driver.js';
import { retryUntilStopped } from '../../tools/retry-until-stopped.js';
import { warnOnce } from '../../tools/warn-once.js';
import { keepRegistered, type Lease } from '../keep-registered.js';
import type { Registry, RegistryListener } from '../registry.js';
import { createEtcdClient } from './create-etcd-client.js';
import type { EtcdOptions } from './etcd-options.js';

/** A key to put under a lease. */
export interface EtcdInstance {
  /**
   * The key.
   *
   * @param leaseId - decimal id of its lease
   */
  key(leaseId: string): string;
  /** The value. */
  readonly value: string;
  /** Seconds that the key stays after its owner has gone. */
  readonly ttlSeconds: number;
}

/** A key that was found. */
export interface EtcdEntry {
  /** The key. */
  readonly key: string;
  /** The value. */
  readonly value: string;
}

const warn = warnOnce('DTM_ETCD_LOGIN');

/** Answers of an etcd without access control to a login, and of one with access control to a request without a login. */
const LOGIN_ANSWERS = { needless: /authentication is not enabled/, needed: /user name is empty/ } as const;

/** Keys of etcd. A service is a prefix of keys. All watches share one stream, and everything shares one connection. */
export class EtcdRegistry implements Registry<EtcdInstance, string, EtcdEntry> {
  readonly #hosts: readonly HostPort[];
  readonly #options: EtcdOptions;
  #client: Promise<Etcd3> | undefined;
  #logsIn: boolean;

  /** @param hosts - members of one cluster */
  constructor(hosts: readonly HostPort[], options: EtcdOptions = {}) {
    this.#hosts = hosts;
    this.#options = options;
    this.#logsIn = options.user !== undefined;
  }

  register(instance: EtcdInstance, options?: RegisterOptions): Promise<DriverRegistration> {
    const name = `${instance.key('<lease>')} in ${this.#name}`;
    return keepRegistered(
      { name, register: (signal) => this.#run((client) => this.#register(client, instance, signal)) },
      options,
    );
  }

  watch(prefix: string, listener: RegistryListener<EtcdEntry>): () => void {
    return retryUntilStopped({
      attempt: (signal, succeeded) => this.#run((client) => this.#follow(client, prefix, listener, signal, succeeded)),
      failed: (reason) => listener.failed(`${this.#name}: ${reason}`),
    });
  }

  close(): void {
    this.#client?.then(
      (client) => client.close(),
      () => undefined,
    );
    this.#client = undefined;
  }

  get #name(): string {
    return `etcd at ${this.#hosts.map(formatHostPort).join()}`;
  }

  /**
   * Runs the work. Runs it a second time without the login when etcd has no authentication, or with a new login when
   * etcd asks for one.
   */
  async #run<T>(work: (client: Etcd3) => Promise<T>): Promise<T> {
    const connected = this.#connected();
    try {
      return await work(await connected);
    } catch (error) {
      if (this.#client === connected && !this.#switchLogin(errorText(error))) throw error;
      return work(await this.#connected());
    }
  }

  #connected(): Promise<Etcd3> {
    const { user, password, ...options } = this.#options;
    return (this.#client ??= createEtcdClient(this.#hosts, this.#logsIn ? { ...options, user, password } : options));
  }

  /** @returns whether the answer of etcd is about the login */
  #switchLogin(answer: string): boolean {
    const { user } = this.#options;
    if (user === undefined || !(this.#logsIn ? LOGIN_ANSWERS.needless : LOGIN_ANSWERS.needed).test(answer))
      return false;
    if (this.#logsIn) {
      warn(
        `${this.#name} has no access control, so the user ${JSON.stringify(user)} is not used; remove the user, or enable access control`,
      );
    }
    this.#logsIn = !this.#logsIn;
    this.close();
    return true;
  }

  async #register(client: Etcd3, { key, value, ttlSeconds }: EtcdInstance, signal: AbortSignal): Promise<Lease> {
    const lease = client.lease(ttlSeconds);
    const expired = new Promise<never>((_, reject) => lease.on('lost', reject));
    // the lease may be lost before `lost` is awaited
    expired.catch(() => undefined);
    try {
      const name = key(await lease.grant());
      const { header } = await lease.put(name).value(value).exec();
      const watcher = await client.watch().key(name).startRevision(revisionAfter(header.revision)).create();
      return {
        lost: Promise.race([expired, untilDeleted(watcher, signal)]).finally(() => lease.release()),
        revoke: () => lease.revoke(),
      };
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  /** Reads all keys and follows their changes until the connection is lost; then the retry reads all of them again. */
  async #follow(
    client: Etcd3,
    prefix: string,
    listener: RegistryListener<EtcdEntry>,
    signal: AbortSignal,
    succeeded: () => void,
  ): Promise<void> {
    const { kvs, header } = await client.getAll().prefix(prefix).exec();
    if (signal.aborted) return;
    const entries = new Map(kvs.map(({ key, value }) => [key.toString(), value.toString()]));
    const report = (): void => listener.found([...entries].map(([key, value]) => ({ key, value })));
    succeeded();
    report();

    const watcher = await client.watch().prefix(prefix).startRevision(revisionAfter(header.revision)).create();
    await untilEnd(watcher, signal, ({ events }) => {
      for (const { type, kv } of events) {
        if (type === 'Delete') entries.delete(kv.key.toString());
        else entries.set(kv.key.toString(), kv.value.toString());
      }
      if (events.length > 0) report();
      return true;
    });
  }
}

/** The key may be deleted, and etcd may restart without it: a lost connection counts as a lost key. */
function untilDeleted(watcher: Watcher, signal: AbortSignal): Promise<void> {
  return untilEnd(watcher, signal, ({ events }) => !events.some(({ type }) => type === 'Delete'));
}

/**
 * Resolves with the signal, or when `onData` returns false. Rejects when the connection is lost.
 *
 * @param onData - returns whether it wants more
 */
function untilEnd(watcher: Watcher, signal: AbortSignal, onData: (response: IWatchResponse) => boolean): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    watcher.on('data', (response) => onData(response) || resolve());
    watcher.on('error', reject);
    watcher.on('disconnected', reject);
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
  }).finally(() => void watcher.cancel().catch(() => undefined));
}

function revisionAfter(revision: string): string {
  return String(BigInt(revision) + 1n);
}
