import { formatHostPort, parseHostPort, type HostPort } from '../../../../support/host-port.js';
import type { DriverRegistration, RegisterOptions } from '../../../driver.js';
import { pause } from '../../tools/pause.js';
import { retryUntilStopped } from '../../tools/retry-until-stopped.js';
import { warnOnce } from '../../tools/warn-once.js';
import { GracePeriod } from '../grace-period.js';
import { keepRegistered, type Lease } from '../keep-registered.js';
import { PollPace } from '../poll-pace.js';
import { RegistryHttpClient } from '../registry-http-client.js';
import type { Registry, RegistryListener } from '../registry.js';
import {
  BEAT_MS,
  beatMsOf,
  DEFAULT_GROUP,
  type NacosApi,
  type NacosEntry,
  type NacosInstance,
  type NacosService,
} from './nacos-instance.js';
import type { NacosOptions } from './nacos-options.js';
import { NacosApiMissingError, NacosSession } from './nacos-session.js';
import { NacosV1 } from './nacos-v1.js';
import { NacosV3 } from './nacos-v3.js';

/** The longest pause between two polls. Nacos assumes that its pushes over UDP arrive, for which no port is open here. */
const LONGEST_POLL_MS = 3000;

/** The time within which a restarted Nacos receives the beats of all instances. */
const GRACE_MS = 3 * BEAT_MS;

/** The shortest pause between two polls, and between two beats. */
const SHORTEST_PAUSE_MS = 500;

const warn = warnOnce('DTM_NACOS_ENTRY');

/** Services of Nacos over HTTP: registered while their beats come, found by polling. */
export class NacosRegistry implements Registry<NacosInstance, NacosService, NacosEntry> {
  readonly #http: RegistryHttpClient;
  /** The version that is called, and the version to fall back to. */
  #apis: readonly NacosApi[];

  /** @param hosts - members of one cluster */
  constructor(hosts: readonly HostPort[], options: NacosOptions = {}) {
    this.#http = new RegistryHttpClient(hosts, { tls: options.tls });
    const session = new NacosSession(this.#http, options);
    const apis = { v1: new NacosV1(session), v3: new NacosV3(session) };
    this.#apis = options.api ? [apis[options.api]] : [apis.v1, apis.v3];
  }

  register(instance: NacosInstance, options?: RegisterOptions): Promise<DriverRegistration> {
    const name = `${instance.group ?? DEFAULT_GROUP}/${instance.service} in ${this.#name}`;
    return keepRegistered({ name, register: (signal) => this.#register(instance, signal) }, options);
  }

  watch(service: NacosService, listener: RegistryListener<NacosEntry>): () => void {
    const grace = new GracePeriod<NacosEntry>(GRACE_MS, ({ address }) => formatHostPort(address));
    const pace = new PollPace();
    const found = (entries: readonly NacosEntry[]): void => {
      pace.record(entries.length);
      listener.found(grace.apply(entries));
    };
    return retryUntilStopped({
      attempt: (signal, succeeded) => this.#poll(service, pace, found, signal, succeeded),
      failed: (reason) => {
        grace.recordOutage();
        listener.failed(`${this.#name}: ${reason}`);
      },
    });
  }

  close(): void {
    this.#http.close();
  }

  get #name(): string {
    return `nacos at ${this.#http.address}`;
  }

  async #register(instance: NacosInstance, signal: AbortSignal): Promise<Lease> {
    await this.#call((api) => api.register(instance));
    let lastBeat: Promise<unknown> = Promise.resolve();
    const keepAlive = async (): Promise<void> => {
      let interval = beatMsOf(instance);
      for (;;) {
        await pause(Math.max(interval, SHORTEST_PAUSE_MS), signal);
        if (signal.aborted) return;
        const beat = this.#call((api) => api.beat(instance));
        lastBeat = beat.catch(() => undefined);
        const next = await beat;
        if (next === undefined) return;
        interval = next;
      }
    };
    return {
      lost: (instance.ephemeral ?? true) ? keepAlive() : never(),
      revoke: async () => {
        // a beat that arrives after the request would register the instance again
        await lastBeat;
        await this.#call((api) => api.deregister(instance));
      },
    };
  }

  async #poll(
    service: NacosService,
    pace: PollPace,
    found: (entries: readonly NacosEntry[]) => void,
    signal: AbortSignal,
    succeeded: () => void,
  ): Promise<void> {
    for (;;) {
      const { hosts, cacheMs = LONGEST_POLL_MS } = await this.#call((api) => api.list(service, signal));
      const entries = this.#parseEntries(hosts, service);
      if (signal.aborted) return;
      succeeded();
      found(entries);
      await pause(pace.pauseMs(Math.min(Math.max(cacheMs, SHORTEST_PAUSE_MS), LONGEST_POLL_MS)), signal);
      if (signal.aborted) return;
    }
  }

  /** Calls the version that worked last, or the other one when Nacos does not serve that version, e.g. after an update. */
  async #call<T>(request: (api: NacosApi) => Promise<T>): Promise<T> {
    const [api, other] = this.#apis;
    try {
      return await request(api!);
    } catch (error) {
      if (!other || !(error instanceof NacosApiMissingError)) throw error;
      const answer = await request(other).catch((second: unknown) => {
        throw second instanceof NacosApiMissingError ? error : second;
      });
      this.#apis = [other, api!];
      return answer;
    }
  }

  #parseEntries(hosts: unknown, { service }: NacosService): readonly NacosEntry[] {
    if (!Array.isArray(hosts)) throw new Error('the answer has no list of instances');
    return (hosts as readonly unknown[]).flatMap((host) => {
      const {
        ip,
        port,
        weight = 1,
        healthy = true,
        enabled = true,
        metadata,
      } = (host ?? {}) as Readonly<Record<string, unknown>>;
      const address =
        typeof ip === 'string' ? parseHostPort(formatHostPort({ host: ip, port: Number(port) })) : undefined;
      if (!address || typeof weight !== 'number') {
        warn(`nacos: an instance of ${JSON.stringify(service)} in ${this.#name} has no address and is ignored`);
        return [];
      }
      if (healthy !== true || enabled !== true || weight <= 0) return [];
      return { address: { ...address, weight }, metadata: metadataOf(metadata) };
    });
  }
}

function metadataOf(metadata: unknown): NacosEntry['metadata'] {
  return typeof metadata === 'object' && metadata !== null ? (metadata as NacosEntry['metadata']) : undefined;
}

/** Nacos keeps a persistent instance without beats. */
function never(): Promise<never> {
  return new Promise(() => undefined);
}
