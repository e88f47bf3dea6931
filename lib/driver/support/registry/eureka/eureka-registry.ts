import { formatHostPort } from '../../../../support/host-port.js';
import type { DriverRegistration, RegisterOptions } from '../../../driver.js';
import { pause } from '../../tools/pause.js';
import { retryUntilStopped } from '../../tools/retry-until-stopped.js';
import { GracePeriod } from '../grace-period.js';
import { keepRegistered, type Lease } from '../keep-registered.js';
import { EAGER_PAUSE_MS, PollPace } from '../poll-pace.js';
import {
  assertOk,
  parseAnswer,
  RegistryHttpClient,
  type RegistryAnswer,
  type RegistryMember,
  type RegistryRequest,
} from '../registry-http-client.js';
import type { Registry, RegistryListener } from '../registry.js';
import { EurekaApps } from './eureka-apps.js';
import { appOf, idOf, instanceInfo, type EurekaEntry, type EurekaInstance } from './eureka-instance.js';
import type { EurekaOptions } from './eureka-options.js';

/** The time within which instances report to a restarted Eureka: a heartbeat, and as much for Eureka's cache. */
const GRACE_MS = 60_000;

/** A watch of one service. */
interface Watcher {
  readonly service: string;
  readonly listener: RegistryListener<EurekaEntry>;
  readonly grace: GracePeriod<EurekaEntry>;
  readonly pace: PollPace;
}

/** Services of Eureka: registered while their heartbeats come, found by polls for the changes of all services. */
export class EurekaRegistry implements Registry<EurekaInstance, string, EurekaEntry> {
  readonly #http: RegistryHttpClient;
  readonly #pollMs: number;
  readonly #heartbeatSeconds: number;
  readonly #watchers = new Set<Watcher>();
  /** The last snapshot. */
  #apps: EurekaApps | undefined;
  #stopPolling: () => void = () => undefined;

  /** @param members - servers of one Eureka, as `parseEurekaUrls` returns them */
  constructor(members: readonly RegistryMember[], options: EurekaOptions = {}) {
    this.#http = new RegistryHttpClient(members, { tls: options.tls });
    this.#pollMs = (options.pollSeconds ?? 5) * 1000;
    this.#heartbeatSeconds = options.heartbeatSeconds ?? 30;
  }

  register(instance: EurekaInstance, options?: RegisterOptions): Promise<DriverRegistration> {
    const name = `${instance.service} in ${this.#name}`;
    return keepRegistered({ name, register: (signal) => this.#register(instance, signal) }, options);
  }

  watch(service: string, listener: RegistryListener<EurekaEntry>): () => void {
    const grace = new GracePeriod<EurekaEntry>(GRACE_MS, ({ address }) => formatHostPort(address));
    const watcher = { service, listener, grace, pace: new PollPace() };
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) this.#startPolling();
    else if (this.#apps) report(watcher, this.#apps);
    return () => {
      if (!this.#watchers.delete(watcher) || this.#watchers.size > 0) return;
      this.#stopPolling();
      this.#apps = undefined;
    };
  }

  close(): void {
    this.#http.close();
  }

  get #name(): string {
    return `eureka at ${this.#http.address}`;
  }

  async #register(instance: EurekaInstance, signal: AbortSignal): Promise<Lease> {
    const app = `/apps/${encodeURIComponent(appOf(instance))}`;
    const path = `${app}/${encodeURIComponent(idOf(instance))}`;
    const body = JSON.stringify({ instance: instanceInfo(instance, this.#heartbeatSeconds) });
    assertOk(await this.#send({ method: 'POST', path: app, body, signal }));
    const keepAlive = async (): Promise<void> => {
      for (;;) {
        await pause(this.#heartbeatSeconds * 1000, signal);
        if (signal.aborted) return;
        const answer = await this.#send({ method: 'PUT', path, signal });
        if (answer.status === 404) return;
        assertOk(answer);
      }
    };
    const revoke = async (): Promise<void> => {
      const answer = await this.#send({ method: 'DELETE', path });
      // 404: Eureka has dropped it already
      if (answer.status !== 404) assertOk(answer);
    };
    return { lost: keepAlive(), revoke };
  }

  #startPolling(): void {
    this.#stopPolling = retryUntilStopped({
      attempt: (signal, succeeded) => this.#poll(signal, succeeded),
      failed: (reason) => {
        for (const { grace, listener } of this.#watchers) {
          grace.recordOutage();
          listener.failed(`${this.#name}: ${reason}`);
        }
      },
    });
  }

  /** Reads all instances, and then deltas as long as they lead to the snapshot of Eureka. */
  async #poll(signal: AbortSignal, succeeded: () => void): Promise<void> {
    const apps = new EurekaApps();
    let isComplete = false;
    for (;;) {
      const delta = isComplete ? await this.#send({ method: 'GET', path: '/apps/delta', signal }) : undefined;
      // a server may have deltas disabled
      isComplete = delta?.status === 200 && apps.apply(parseAnswer(delta));
      if (!isComplete) apps.replace(parseAnswer(await this.#send({ method: 'GET', path: '/apps', signal })));
      isComplete = true;
      if (signal.aborted) return;
      succeeded();
      this.#apps = apps;
      for (const watcher of this.#watchers) report(watcher, apps);
      await this.#pause(signal);
      if (signal.aborted) return;
    }
  }

  /** A name that is new may be watched during the pause, which ends earlier then. */
  async #pause(signal: AbortSignal): Promise<void> {
    const start = performance.now();
    const pauseMs = (): number => Math.min(...[...this.#watchers].map(({ pace }) => pace.pauseMs(this.#pollMs)));
    do await pause(Math.min(EAGER_PAUSE_MS, this.#pollMs), signal);
    while (!signal.aborted && performance.now() - start < pauseMs());
  }

  #send(message: RegistryRequest): Promise<RegistryAnswer> {
    const headers = {
      accept: 'application/json',
      ...(message.body !== undefined && { 'content-type': 'application/json' }),
    };
    return this.#http.send({ ...message, headers });
  }
}

function report({ service, listener, grace, pace }: Watcher, apps: EurekaApps): void {
  const instances = apps.listInstances(service);
  pace.record(instances.length);
  listener.found(grace.apply(instances));
}
