import type { Etcd3, IOptions, IWatchResponse, Watcher } from 'etcd3';
import { formatHostPort } from '../../../../support/host-port.js';
import { importPackage } from '../../../../support/load-package.js';
import type { DriverRegistration, RegisterOptions } from '../../../driver.js';
import type { Address } from '../../lookup/address.js';
import { retryUntilStopped } from '../../tools/retry-until-stopped.js';
import { keepRegistered, type Lease } from '../keep-registered.js';
import type { Registry, RegistryListener } from '../registry.js';
import type { RegistryTls } from '../registry-tls.js';

/** How etcd is reached beside its addresses. */
export interface EtcdOptions {
  /** Name of the user, where etcd asks for one. @default none */
  readonly user?: string | undefined;
  /** Password of {@link user}. @default none */
  readonly password?: string | undefined;
  /** Connects over TLS. @default plainly */
  readonly tls?: RegistryTls | undefined;
}

/** A key that is entered. */
export interface EtcdInstance {
  /**
   * The key.
   *
   * @param leaseId - decimal; `''` without a lease
   */
  key(leaseId: string): string;
  /** Its value. */
  readonly value: string;
  /** Life of the entry after its owner has gone, in seconds. @default it stays until it is deleted */
  readonly ttlSeconds?: number | undefined;
}

/** A key that was found. */
export interface EtcdEntry {
  /** The key. */
  readonly key: string;
  /** Its value. */
  readonly value: string;
}

/** Longest time for a single request. */
const REQUEST_MS = 3000;

/** Pings on a quiet connection: one that is dead is noticed, and etcd takes it for no attack. */
const KEEPALIVE_MS = 30_000;

/** Keys with values, and leases; a service is a prefix of keys. All watches share one stream, and with everything else one connection. */
export class EtcdRegistry implements Registry<EtcdInstance, string, EtcdEntry> {
  readonly #hosts: readonly Address[];
  readonly #options: EtcdOptions;
  #client: Promise<Etcd3> | undefined;

  /**
   * @param hosts - members of one cluster
   * @param options - see {@link EtcdOptions}
   */
  constructor(hosts: readonly Address[], options: EtcdOptions = {}) {
    this.#hosts = hosts;
    this.#options = options;
  }

  register(instance: EtcdInstance, options?: RegisterOptions): Promise<DriverRegistration> {
    const what = `${instance.key('<lease>')} in etcd at ${this.#hosts.map(formatHostPort).join()}`;
    return keepRegistered({ what, enter: (signal) => this.#enter(instance, signal) }, options);
  }

  watch(prefix: string, listener: RegistryListener<EtcdEntry>): () => void {
    return retryUntilStopped({
      attempt: (signal, worked) => this.#follow(prefix, listener, signal, worked),
      failed: (reason) => listener.failed(`etcd at ${this.#hosts.map(formatHostPort).join()}: ${reason}`),
    });
  }

  close(): void {
    this.#client?.then(
      (client) => client.close(),
      () => undefined,
    );
    this.#client = undefined;
  }

  async #enter(instance: EtcdInstance, signal: AbortSignal): Promise<Lease> {
    const client = await this.#connected();
    return instance.ttlSeconds === undefined
      ? enterForGood(client, instance, signal)
      : enterWithLease(client, instance, instance.ttlSeconds, signal);
  }

  /** Reads everything and hears of changes, until the connection is lost: what happened meanwhile is read again. */
  async #follow(
    prefix: string,
    listener: RegistryListener<EtcdEntry>,
    signal: AbortSignal,
    worked: () => void,
  ): Promise<void> {
    const client = await this.#connected();
    const { kvs, header } = await client.getAll().prefix(prefix).exec();
    if (signal.aborted) return;
    const entries = new Map(kvs.map(({ key, value }) => [key.toString(), value.toString()]));
    const tell = (): void => listener.found([...entries].map(([key, value]) => ({ key, value })));
    worked();
    tell();

    const watcher = await client.watch().prefix(prefix).startRevision(next(header.revision)).create();
    await untilEnd(watcher, signal, ({ events }) => {
      for (const { type, kv } of events) {
        if (type === 'Delete') entries.delete(kv.key.toString());
        else entries.set(kv.key.toString(), kv.value.toString());
      }
      if (events.length > 0) tell();
      return true;
    });
  }

  #connected(): Promise<Etcd3> {
    return (this.#client ??= this.#connect());
  }

  async #connect(): Promise<Etcd3> {
    const { Etcd3: Client } = await importPackage(() => import('etcd3'), 'etcd3', 'etcd');
    const { user, password = '', tls } = this.#options;
    return new Client({
      hosts: this.#hosts.map((host) => `${tls ? 'https' : 'http'}://${formatHostPort(host)}`),
      ...(user !== undefined && { auth: { username: user, password } }),
      ...(tls && { credentials: credentialsOf(tls) }),
      defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: Date.now() + REQUEST_MS }),
      // whoever asks tries again by itself, at a pace of its own
      faultHandling: { host: () => AT_ONCE, global: AT_ONCE },
      // each service of etcd has a channel: without a pool of its own, which would not share its connection
      grpcOptions: {
        'grpc.enable_http_proxy': 0,
        'grpc.keepalive_time_ms': KEEPALIVE_MS,
        'grpc.initial_reconnect_backoff_ms': 200,
        'grpc.max_reconnect_backoff_ms': 2000,
      },
    });
  }
}

type Policy = NonNullable<NonNullable<IOptions['faultHandling']>['global']>;

const NEVER = new AbortController().signal;

/** No retries, and no circuit that stays open when etcd is back already. */
const AT_ONCE = {
  execute: async <T>(work: (context: { signal: AbortSignal }) => T | Promise<T>): Promise<T> => work({ signal: NEVER }),
  onSuccess: () => ({ dispose: () => undefined }),
  onFailure: () => ({ dispose: () => undefined }),
} as unknown as Policy;

async function enterWithLease(
  client: Etcd3,
  { key, value }: EtcdInstance,
  ttlSeconds: number,
  signal: AbortSignal,
): Promise<Lease> {
  const lease = client.lease(ttlSeconds);
  const expired = new Promise<never>((_, reject) => lease.on('lost', reject));
  // also when nobody comes to wait for it
  expired.catch(() => undefined);
  try {
    const name = key(await lease.grant());
    const { header } = await lease.put(name).value(value).exec();
    const watcher = await client.watch().key(name).startRevision(next(header.revision)).create();
    return {
      lost: Promise.race([expired, untilDeleted(watcher, signal)]).finally(() => lease.release()),
      leave: () => lease.revoke(),
    };
  } catch (error) {
    lease.release();
    throw error;
  }
}

async function enterForGood(client: Etcd3, { key, value }: EtcdInstance, signal: AbortSignal): Promise<Lease> {
  const name = key('');
  const { header } = await client.put(name).value(value).exec();
  const watcher = await client.watch().key(name).startRevision(next(header.revision)).create();
  return {
    lost: untilDeleted(watcher, signal),
    leave: async () => void (await client.delete().key(name).exec()),
  };
}

/** Somebody may delete the key, and etcd may come back without it: a lost connection counts as a lost key. */
function untilDeleted(watcher: Watcher, signal: AbortSignal): Promise<void> {
  return untilEnd(watcher, signal, ({ events }) => !events.some(({ type }) => type === 'Delete'));
}

/**
 * Resolves with the signal, or when `onData` wants no more, and rejects when the connection is lost.
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

function next(revision: string): string {
  return String(BigInt(revision) + 1n);
}

function credentialsOf({ ca, cert, key }: RegistryTls): NonNullable<IOptions['credentials']> {
  return {
    // without one gRPC takes those of Node, though the types do not say so
    rootCertificate: (ca === undefined ? null : Buffer.from(ca as string)) as Buffer,
    ...(key !== undefined && { privateKey: Buffer.from(key as string) }),
    ...(cert !== undefined && { certChain: Buffer.from(cert as string) }),
  };
}
