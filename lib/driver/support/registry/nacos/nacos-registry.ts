import { formatHostPort, parseHostPort } from '../../../../support/host-port.js';
import type { DriverRegistration, RegisterOptions } from '../../../driver.js';
import type { Address } from '../../lookup/address.js';
import { retryUntilStopped } from '../../tools/retry-until-stopped.js';
import { warnOnce } from '../../tools/warn-once.js';
import { GracePeriod } from '../grace-period.js';
import { HttpRegistry } from '../http-registry.js';
import { keepRegistered, type Lease } from '../keep-registered.js';
import { pause } from '../../tools/pause.js';
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

/** Longest time between two questions: Nacos counts on its pushes over UDP, which need a port of ours. */
const LONGEST_POLL_MS = 3000;

/** After it has started anew Nacos is told of all instances with their next beats. */
const GRACE_MS = 3 * BEAT_MS;

/** Shortest time between two questions, and between two beats. */
const SHORTEST_MS = 500;

const warn = warnOnce('DTM_NACOS_ENTRY');

/** Services of Nacos, over HTTP: instances are kept by their beats, and found by asking time and again. */
export class NacosRegistry implements Registry<NacosInstance, NacosService, NacosEntry> {
  readonly #http: HttpRegistry;
  /** The one that is asked, and the one to fall back to. */
  #apis: readonly NacosApi[];

  /**
   * @param hosts - members of one cluster
   * @param options - see {@link NacosOptions}
   */
  constructor(hosts: readonly Address[], options: NacosOptions = {}) {
    this.#http = new HttpRegistry(hosts, { tls: options.tls });
    const session = new NacosSession(this.#http, options);
    const apis = { v1: new NacosV1(session), v3: new NacosV3(session) };
    this.#apis = options.api ? [apis[options.api]] : [apis.v1, apis.v3];
  }

  register(instance: NacosInstance, options?: RegisterOptions): Promise<DriverRegistration> {
    const what = `${instance.group ?? DEFAULT_GROUP}/${instance.service} in ${this.#name}`;
    return keepRegistered({ what, enter: (signal) => this.#enter(instance, signal) }, options);
  }

  watch(service: NacosService, listener: RegistryListener<NacosEntry>): () => void {
    const known = new GracePeriod<NacosEntry>(GRACE_MS, ({ address }) => formatHostPort(address));
    const found = (entries: readonly NacosEntry[]): void => listener.found(known.found(entries));
    return retryUntilStopped({
      attempt: (signal, worked) => this.#follow(service, found, signal, worked),
      failed: (reason) => {
        known.failed();
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

  async #enter(instance: NacosInstance, signal: AbortSignal): Promise<Lease> {
    await this.#ask((api) => api.register(instance));
    let beat: Promise<unknown> = Promise.resolve();
    const keepAlive = async (): Promise<void> => {
      let interval = beatMsOf(instance);
      for (;;) {
        await pause(Math.max(interval, SHORTEST_MS), signal);
        if (signal.aborted) return;
        const beating = this.#ask((api) => api.beat(instance));
        beat = beating.catch(() => undefined);
        const next = await beating;
        if (next === undefined) return;
        interval = next;
      }
    };
    return {
      lost: (instance.ephemeral ?? true) ? keepAlive() : forGood(),
      leave: async () => {
        // one that comes later would enter the instance again
        await beat;
        await this.#ask((api) => api.deregister(instance));
      },
    };
  }

  async #follow(
    service: NacosService,
    found: (entries: readonly NacosEntry[]) => void,
    signal: AbortSignal,
    worked: () => void,
  ): Promise<void> {
    for (;;) {
      const { hosts, cacheMs = LONGEST_POLL_MS } = await this.#ask((api) => api.list(service, signal));
      const entries = this.#entriesOf(hosts, service);
      if (signal.aborted) return;
      worked();
      found(entries);
      await pause(Math.min(Math.max(cacheMs, SHORTEST_MS), LONGEST_POLL_MS), signal);
      if (signal.aborted) return;
    }
  }

  /** By the API that worked last, or the other one when Nacos has that one no more, as after its update. */
  async #ask<T>(question: (api: NacosApi) => Promise<T>): Promise<T> {
    const [api, other] = this.#apis;
    try {
      return await question(api!);
    } catch (error) {
      if (!other || !(error instanceof NacosApiMissingError)) throw error;
      const answer = await question(other).catch((second: unknown) => {
        throw second instanceof NacosApiMissingError ? error : second;
      });
      this.#apis = [other, api!];
      return answer;
    }
  }

  #entriesOf(hosts: unknown, { service }: NacosService): readonly NacosEntry[] {
    if (!Array.isArray(hosts)) throw new Error('answered no list of instances');
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
        warn(`nacos: an instance of ${JSON.stringify(service)} in ${this.#name} has no address; it is left out`);
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

/** Nacos keeps it without its owner. */
function forGood(): Promise<never> {
  return new Promise(() => undefined);
}
