import type { HostPort } from '../../../../support/host-port.js';
import type { DriverRegistration, RegisterOptions } from '../../../driver.js';
import { pause } from '../../tools/pause.js';
import { retryUntilStopped } from '../../tools/retry-until-stopped.js';
import { basicAuth } from '../basic-auth.js';
import { GracePeriod } from '../grace-period.js';
import { keepRegistered, type Lease } from '../keep-registered.js';
import { assertOk, parseAnswer, RegistryHttpClient } from '../registry-http-client.js';
import type { Registry, RegistryListener } from '../registry.js';
import { parseEntries, type ConsulEntry } from './consul-entry.js';
import { registrationOf, type ConsulInstance } from './consul-instance.js';
import type { ConsulOptions } from './consul-options.js';

/** A query for the instances of a service. */
export interface ConsulQuery {
  /** Name of the service. */
  readonly service: string;
  /** Also finds instances whose checks do not pass. @default false */
  readonly withUnhealthy?: boolean | undefined;
  /** Further parameters of the query, such as `tag`, `near` or `dc`. @default none */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
  /** ACL token. @default the token of {@link ConsulOptions} */
  readonly token?: string | undefined;
}

/** The time after which Consul answers a long poll although nothing has changed; kratos asks for the same. */
const WAIT_SECONDS = 55;

/** Consul adds up to a sixteenth to the wait, and needs some time to answer. */
const LONG_POLL_TIMEOUT_MS = Math.ceil(WAIT_SECONDS * (1 + 1 / 16) + 5) * 1000;

/** The pause between two long polls: a limit for a service that keeps changing. */
const PACE_MS = 100;

/**
 * A restarted agent knows no instance, or takes all for critical, until each has reported: those of go-zero within 20 s, all
 * others sooner.
 */
const GRACE_MS = 20_000;

/** The pause between two polls in the grace period. */
const RECHECK_MS = 1000;

/** The most long polls: each holds a connection, and an agent accepts 200 from one address. */
const MAX_LONG_POLLS = 100;

/** The pause between two short polls, for watches beyond that limit. */
const POLL_MS = 3000;

/** Services of Consul: registered at an agent, found by their health. */
export class ConsulRegistry implements Registry<ConsulInstance, ConsulQuery, ConsulEntry> {
  readonly #http: RegistryHttpClient;
  readonly #options: ConsulOptions;
  #longPolls = 0;

  /** @param hosts - agents of one datacenter, of which the first that answers is called */
  constructor(hosts: readonly HostPort[], options: ConsulOptions = {}) {
    this.#http = new RegistryHttpClient(hosts, { tls: options.tls });
    this.#options = options;
  }

  register(instance: ConsulInstance, options?: RegisterOptions): Promise<DriverRegistration> {
    const name = `${instance.id} in consul at ${this.#http.address}`;
    return keepRegistered({ name, register: (signal) => this.#register(instance, signal) }, options);
  }

  watch(query: ConsulQuery, listener: RegistryListener<ConsulEntry>): () => void {
    const isLongPoll = this.#longPolls < MAX_LONG_POLLS;
    if (isLongPoll) this.#longPolls += 1;
    const grace = new GracePeriod<ConsulEntry>(GRACE_MS, ({ id, address, port }) =>
      JSON.stringify([id, address, port]),
    );
    const stop = retryUntilStopped({
      attempt: (signal, succeeded) => this.#poll(query, isLongPoll, grace, listener, signal, succeeded),
      failed: (reason) => {
        grace.recordOutage();
        listener.failed(`consul at ${this.#http.address}: ${reason}`);
      },
    });
    let isStopped = false;
    return () => {
      if (isStopped) return;
      isStopped = true;
      if (isLongPoll) this.#longPolls -= 1;
      stop();
    };
  }

  close(): void {
    this.#http.close();
  }

  async #register(instance: ConsulInstance, signal: AbortSignal): Promise<Lease> {
    const { id, token } = instance;
    // never aborted: the result would be unknown
    await this.#put('/v1/agent/service/register', token, registrationOf(instance));
    await this.#beat(instance);
    return { lost: this.#keepAlive(instance, signal), revoke: () => this.#deregister(id, token) };
  }

  /** Rejects when the agent does not answer, or has lost the service: everything is registered again, at the next agent. */
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
    // without a TTL check nothing else shows that the agent was restarted
    if (checkIds.length === 0) {
      const path = `/v1/agent/service/${encodeURIComponent(id)}`;
      parseAnswer(await this.#http.send({ method: 'GET', path, headers: this.#headers(token), signal }));
    }
  }

  async #deregister(id: string, token: string | undefined): Promise<void> {
    const path = `/v1/agent/service/deregister/${encodeURIComponent(id)}`;
    const answer = await this.#http.send({ method: 'PUT', path, headers: this.#headers(token) });
    // 404: the agent has lost it already
    if (answer.status !== 404) assertOk(answer);
  }

  /** Reads all instances again and again; a long poll returns as soon as they change. */
  async #poll(
    { service, withUnhealthy = false, parameters, token }: ConsulQuery,
    isLongPoll: boolean,
    grace: GracePeriod<ConsulEntry>,
    listener: RegistryListener<ConsulEntry>,
    signal: AbortSignal,
    succeeded: () => void,
  ): Promise<void> {
    const { datacenter } = this.#options;
    const query = new URLSearchParams({ ...(datacenter !== undefined && { dc: datacenter }), ...parameters });
    if (!withUnhealthy) query.set('passing', '1');
    query.set('wait', `${WAIT_SECONDS}s`);
    let index = 0;
    while (!signal.aborted) {
      query.set('index', String(index));
      const answer = await this.#http.send({
        method: 'GET',
        path: `/v1/health/service/${encodeURIComponent(service)}?${query}`,
        headers: this.#headers(token),
        ...(isLongPoll && { timeoutMs: LONG_POLL_TIMEOUT_MS, isLongPoll }),
        signal,
      });
      const entries = parseEntries(parseAnswer(answer));
      if (signal.aborted) return;
      succeeded();
      const withMissing = grace.apply(entries);
      listener.found(withMissing);
      const isComplete = withMissing.length === entries.length;
      const next = Number(answer.headers['x-consul-index']);
      // an index that goes backwards comes from a restarted Consul
      index = isLongPoll && isComplete && next >= index ? next : 0;
      await pause(!isComplete ? RECHECK_MS : isLongPoll ? PACE_MS : POLL_MS, signal);
    }
  }

  async #put(path: string, token: string | undefined, body: object, signal?: AbortSignal): Promise<void> {
    const headers = { ...this.#headers(token), 'content-type': 'application/json' };
    assertOk(await this.#http.send({ method: 'PUT', path, headers, body: JSON.stringify(body), signal }));
  }

  #headers(token = this.#options.token): Record<string, string> {
    const { user, password } = this.#options;
    return {
      ...(token !== undefined && { 'x-consul-token': token }),
      ...(user !== undefined && { authorization: basicAuth(user, password) }),
    };
  }
}
