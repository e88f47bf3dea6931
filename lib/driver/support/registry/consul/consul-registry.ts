import type { DriverRegistration, RegisterOptions } from '../../../driver.js';
import type { Address } from '../../lookup/address.js';
import { retryUntilStopped } from '../../tools/retry-until-stopped.js';
import { GracePeriod } from '../grace-period.js';
import { HttpRegistry, jsonOf, type RegistryAnswer } from '../http-registry.js';
import type { RegistryTls } from '../registry-tls.js';
import { keepRegistered, type Lease } from '../keep-registered.js';
import { pause } from '../../tools/pause.js';
import type { Registry, RegistryListener } from '../registry.js';
import { entriesOf, type ConsulEntry } from './consul-entry.js';
import { registrationOf, type ConsulInstance } from './consul-instance.js';

/** How consul is reached beside its addresses. */
export interface ConsulOptions {
  /** Secret of the token, where consul asks for one. @default none */
  readonly token?: string | undefined;
  /** Where services are looked for. @default the datacenter of the agent that is asked */
  readonly datacenter?: string | undefined;
  /** Name for HTTP basic authentication, for a proxy in front of consul. @default none */
  readonly user?: string | undefined;
  /** Password of {@link user}. @default none */
  readonly password?: string | undefined;
  /** Connects over TLS. Certificates and keys are PEM. @default plainly */
  readonly tls?: RegistryTls | undefined;
}

/** What is looked for. */
export interface ConsulQuery {
  /** Name of the service. */
  readonly service: string;
  /** Finds also those whose checks do not pass. @default false */
  readonly withUnhealthy?: boolean | undefined;
  /** Further parameters of the query, such as `tag`, `near` or `dc`. @default none */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
  /** Secret of a token, in place of the one of {@link ConsulOptions}. @default that one */
  readonly token?: string | undefined;
}

/** Longest time in which consul answers though nothing has changed, as kratos'. */
const WAIT_SECONDS = 55;

/** Consul waits for up to a sixteenth more, and needs some time to answer. */
const ANSWER_MS = Math.ceil(WAIT_SECONDS * (1 + 1 / 16) + 5) * 1000;

/** Shortest time between two questions about a service that keeps changing. */
const PACE_MS = 100;

/**
 * An agent that has started anew knows nobody, or takes everybody for ill, until it is told: by go-zero within 20 s, by all
 * others sooner.
 */
const GRACE_MS = 20_000;

/** Time between two questions while not everybody is known again. */
const RECHECK_MS = 1000;

/** Most questions that wait for a change: each holds a connection, of which an agent takes 200 from one address. */
const MOST_WAITING = 100;

/** Time between two questions of those beyond, which do not wait. */
const POLL_MS = 3000;

/** Services of an agent with checks, and the health of all services. */
export class ConsulRegistry implements Registry<ConsulInstance, ConsulQuery, ConsulEntry> {
  readonly #http: HttpRegistry;
  readonly #options: ConsulOptions;
  #waiting = 0;

  /**
   * @param hosts - agents of one datacenter: the one that answers is asked
   * @param options - see {@link ConsulOptions}
   */
  constructor(hosts: readonly Address[], options: ConsulOptions = {}) {
    this.#http = new HttpRegistry(hosts, { tls: options.tls });
    this.#options = options;
  }

  register(instance: ConsulInstance, options?: RegisterOptions): Promise<DriverRegistration> {
    const what = `${instance.id} in consul at ${this.#http.address}`;
    return keepRegistered({ what, enter: (signal) => this.#enter(instance, signal) }, options);
  }

  watch(query: ConsulQuery, listener: RegistryListener<ConsulEntry>): () => void {
    const mayWait = this.#waiting < MOST_WAITING;
    if (mayWait) this.#waiting += 1;
    const known = new GracePeriod<ConsulEntry>(GRACE_MS, ({ id, address, port }) =>
      JSON.stringify([id, address, port]),
    );
    const stop = retryUntilStopped({
      attempt: (signal, worked) => this.#follow({ ...query, mayWait }, known, listener, signal, worked),
      failed: (reason) => {
        known.failed();
        listener.failed(`consul at ${this.#http.address}: ${reason}`);
      },
    });
    let isStopped = false;
    return () => {
      if (isStopped) return;
      isStopped = true;
      if (mayWait) this.#waiting -= 1;
      stop();
    };
  }

  close(): void {
    this.#http.close();
  }

  async #enter(instance: ConsulInstance, signal: AbortSignal): Promise<Lease> {
    const { id, token } = instance;
    // not ended early: nobody could say then whether it is registered
    await this.#put('/v1/agent/service/register', token, registrationOf(instance));
    await this.#beat(instance);
    return { lost: this.#keepAlive(instance, signal), leave: () => this.#leave(id, token) };
  }

  /** Rejects when the agent is gone, or knows the service no more: the next one who answers is told everything again. */
  async #keepAlive(instance: ConsulInstance, signal: AbortSignal): Promise<void> {
    for (;;) {
      await pause(instance.heartbeatSeconds * 1000, signal);
      if (signal.aborted) return;
      await this.#beat(instance, signal);
    }
  }

  async #beat({ id, token, checks }: ConsulInstance, signal?: AbortSignal): Promise<void> {
    const checkIds = checks.flatMap((check) => ('ttlSeconds' in check ? check.id : []));
    for (const checkId of checkIds) {
      const body = { Status: 'passing', Output: '' };
      await this.#put(`/v1/agent/check/update/${encodeURIComponent(checkId)}`, token, body, signal);
    }
    // without a check of that kind nobody else says that the agent has started anew
    if (checkIds.length === 0) {
      const path = `/v1/agent/service/${encodeURIComponent(id)}`;
      jsonOf(await this.#http.send({ method: 'GET', path, headers: this.#headers(token), signal }));
    }
  }

  async #leave(id: string, token: string | undefined): Promise<void> {
    const path = `/v1/agent/service/deregister/${encodeURIComponent(id)}`;
    const answer = await this.#http.send({ method: 'PUT', path, headers: this.#headers(token) });
    // 404: it is not there any more
    if (answer.status !== 404) checkStatus(answer);
  }

  /** Asks for everything, and then for everything again as soon as something has changed, or after a while. */
  async #follow(
    { service, withUnhealthy = false, parameters, token, mayWait }: ConsulQuery & { readonly mayWait: boolean },
    known: GracePeriod<ConsulEntry>,
    listener: RegistryListener<ConsulEntry>,
    signal: AbortSignal,
    worked: () => void,
  ): Promise<void> {
    const { datacenter } = this.#options;
    const query = new URLSearchParams({ ...(datacenter !== undefined && { dc: datacenter }), ...parameters });
    if (!withUnhealthy) query.set('passing', '1');
    query.set('wait', `${WAIT_SECONDS}s`);
    let index = 0;
    while (!signal.aborted) {
      query.set('index', String(index));
      const path = `/v1/health/service/${encodeURIComponent(service)}?${query}`;
      const headers = this.#headers(token);
      const answer = await this.#http.send({
        method: 'GET',
        path,
        headers,
        ...(mayWait && { timeoutMs: ANSWER_MS, isLongPoll: true }),
        signal,
      });
      const entries = entriesOf(jsonOf(answer));
      if (signal.aborted) return;
      worked();
      const believed = known.found(entries);
      listener.found(believed);
      const isWhole = believed.length === entries.length;
      const next = Number(answer.headers['x-consul-index']);
      // one that goes backwards is that of a consul which has started anew
      index = mayWait && isWhole && next >= index ? next : 0;
      await pause(!isWhole ? RECHECK_MS : mayWait ? PACE_MS : POLL_MS, signal);
    }
  }

  async #put(path: string, token: string | undefined, body: object, signal?: AbortSignal): Promise<void> {
    const headers = { ...this.#headers(token), 'content-type': 'application/json' };
    checkStatus(await this.#http.send({ method: 'PUT', path, headers, body: JSON.stringify(body), signal }));
  }

  #headers(token = this.#options.token): Record<string, string> {
    const { user, password = '' } = this.#options;
    return {
      ...(token !== undefined && { 'x-consul-token': token }),
      ...(user !== undefined && {
        authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
      }),
    };
  }
}

function checkStatus({ status, body }: RegistryAnswer): void {
  if (status !== 200) throw new Error(`answered ${status}: ${body.slice(0, 200)}`);
}
