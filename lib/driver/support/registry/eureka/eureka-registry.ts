import { formatHostPort } from '../../../../support/host-port.js';
import type { DriverRegistration, RegisterOptions } from '../../../driver.js';
import { retryUntilStopped } from '../../tools/retry-until-stopped.js';
import { GracePeriod } from '../grace-period.js';
import { HttpRegistry, jsonOf, type RegistryAnswer, type RegistryRequest } from '../http-registry.js';
import { keepRegistered, type Lease } from '../keep-registered.js';
import { pause } from '../../tools/pause.js';
import type { Registry, RegistryListener } from '../registry.js';
import { EurekaApps } from './eureka-apps.js';
import { appOf, idOf, instanceInfo, type EurekaEntry, type EurekaInstance } from './eureka-instance.js';
import { eurekaMembers, type EurekaOptions } from './eureka-options.js';

/** Time in which instances report to a Eureka that has started anew: a heartbeat, and as much for its cache. */
const GRACE_MS = 60_000;

/** Somebody who waits for the instances of a service. */
interface Watcher {
  readonly service: string;
  readonly listener: RegistryListener<EurekaEntry>;
  readonly known: GracePeriod<EurekaEntry>;
}

/** Services of Eureka: instances are kept by their heartbeats; what has changed is asked for once for all services. */
export class EurekaRegistry implements Registry<EurekaInstance, string, EurekaEntry> {
  readonly #http: HttpRegistry;
  readonly #pollMs: number;
  readonly #heartbeatSeconds: number;
  readonly #watchers = new Set<Watcher>();
  /** As they were answered last. */
  #apps: EurekaApps | undefined;
  #stopPolling: () => void = () => undefined;

  /**
   * @param serviceUrls - of Eureka's servers, e.g. `http://eureka:8761/eureka`
   * @param options - see {@link EurekaOptions}
   * @throws DtmConfigError when a URL is none
   */
  constructor(serviceUrls: readonly string[], options: EurekaOptions = {}) {
    this.#http = new HttpRegistry(eurekaMembers(serviceUrls, options), { tls: options.tls });
    this.#pollMs = (options.pollSeconds ?? 5) * 1000;
    this.#heartbeatSeconds = options.heartbeatSeconds ?? 30;
  }

  register(instance: EurekaInstance, options?: RegisterOptions): Promise<DriverRegistration> {
    const what = `${instance.service} in ${this.#name}`;
    return keepRegistered({ what, enter: (signal) => this.#enter(instance, signal) }, options);
  }

  watch(service: string, listener: RegistryListener<EurekaEntry>): () => void {
    const known = new GracePeriod<EurekaEntry>(GRACE_MS, ({ address }) => formatHostPort(address));
    const watcher = { service, listener, known };
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) this.#startPolling();
    else if (this.#apps) tell(watcher, this.#apps);
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

  async #enter(instance: EurekaInstance, signal: AbortSignal): Promise<Lease> {
    const app = `/apps/${encodeURIComponent(appOf(instance))}`;
    const path = `${app}/${encodeURIComponent(idOf(instance))}`;
    const body = JSON.stringify({ instance: instanceInfo(instance, this.#heartbeatSeconds) });
    checked(await this.#send({ method: 'POST', path: app, body, signal }));
    const keepAlive = async (): Promise<void> => {
      for (;;) {
        await pause(this.#heartbeatSeconds * 1000, signal);
        if (signal.aborted) return;
        const answer = await this.#send({ method: 'PUT', path, signal });
        if (answer.status === 404) return;
        checked(answer);
      }
    };
    const leave = async (): Promise<void> => {
      const answer = await this.#send({ method: 'DELETE', path });
      // 404: it is not there any more
      if (answer.status !== 404) checked(answer);
    };
    return { lost: keepAlive(), leave };
  }

  #startPolling(): void {
    this.#stopPolling = retryUntilStopped({
      attempt: (signal, worked) => this.#poll(signal, worked),
      failed: (reason) => {
        for (const { known, listener } of this.#watchers) {
          known.failed();
          listener.failed(`${this.#name}: ${reason}`);
        }
      },
    });
  }

  /** Asks for everything, and then for what has changed, as long as that adds up. */
  async #poll(signal: AbortSignal, worked: () => void): Promise<void> {
    const apps = new EurekaApps();
    let isComplete = false;
    for (;;) {
      const delta = isComplete ? await this.#send({ method: 'GET', path: '/apps/delta', signal }) : undefined;
      // a server may refuse to tell changes
      isComplete = delta?.status === 200 && apps.apply(jsonOf(delta));
      if (!isComplete) apps.replace(jsonOf(await this.#send({ method: 'GET', path: '/apps', signal })));
      isComplete = true;
      if (signal.aborted) return;
      worked();
      this.#apps = apps;
      for (const watcher of this.#watchers) tell(watcher, apps);
      await pause(this.#pollMs, signal);
      if (signal.aborted) return;
    }
  }

  #send(request: RegistryRequest): Promise<RegistryAnswer> {
    const headers = {
      accept: 'application/json',
      ...(request.body !== undefined && { 'content-type': 'application/json' }),
    };
    return this.#http.send({ ...request, headers });
  }
}

function tell({ service, listener, known }: Watcher, apps: EurekaApps): void {
  listener.found(known.found(apps.of(service)));
}

function checked({ status, body }: RegistryAnswer): void {
  if (status < 200 || status > 299) throw new Error(`answered ${status}: ${body.slice(0, 200)}`);
}
