import type { HostPort } from '../../../../support/host-port.js';
import type { DriverRegistration, RegisterOptions } from '../../../driver.js';
import { retryUntilStopped } from '../../tools/retry-until-stopped.js';
import { keepRegistered, type Lease } from '../keep-registered.js';
import { PollPace } from '../poll-pace.js';
import { pause } from '../../tools/pause.js';
import type { Registry, RegistryListener } from '../registry.js';
import { PolarisClient, type InstanceCall } from './polaris-client.js';
import { HEARTBEAT, type AnswerMessage, type InstanceMessage, type ServiceMessage } from './polaris-proto.js';

/** A service in Polaris. */
export interface PolarisService {
  /** Its namespace. */
  readonly namespace: string;
  /** Its name. */
  readonly name: string;
}

/** An instance to register. */
export interface PolarisInstance extends PolarisService, HostPort {
  /** Token that permits to register instances of the service; empty for none. */
  readonly serviceToken: string;
  /** Seconds between two heartbeats; after three times as long without one the instance is unhealthy. */
  readonly ttlSeconds: number;
}

/** An instance that was found. */
export interface PolarisEntry {
  /** The host as it was registered, not validated. */
  readonly host: string;
  /** The port as it was registered, not validated. */
  readonly port: number;
  /** Share of the calls; an instance with 0 gets none. */
  readonly weight: number;
  /** Whether its heartbeats come, or it needs none. */
  readonly isHealthy: boolean;
  /** Whether an operator has isolated it. */
  readonly isIsolated: boolean;
}

const SUCCESS = 200_000;
const NO_CHANGE = 200_001;
const EXISTS = 400_201;
/** Codes for an unknown instance, service or namespace. */
const NOT_FOUND: ReadonlySet<number> = new Set([400_202, 400_301, 400_303, 400_305]);

/** Polaris' own clients send an empty location. */
const EMPTY_LOCATION = { region: { value: '' }, zone: { value: '' }, campus: { value: '' } };

/** The pause between two polls; Polaris' own clients poll as often. */
const POLL_MS = 2000;

/** Weight of an instance without one. */
const DEFAULT_WEIGHT = 100;

/** Instances of services in namespaces, over gRPC (port 8091). */
export class PolarisRegistry implements Registry<PolarisInstance, PolarisService, PolarisEntry> {
  readonly #client: PolarisClient;

  /**
   * @param servers - at least one
   * @param token - token of a user of Polaris. @default none
   */
  constructor(servers: readonly HostPort[], token?: string) {
    this.#client = new PolarisClient(servers, token);
  }

  register(instance: PolarisInstance, options?: RegisterOptions): Promise<DriverRegistration> {
    const name = `${instance.namespace}/${instance.name} in Polaris at ${this.#client.address}`;
    return keepRegistered({ name, register: (signal) => this.#register(instance, signal) }, options);
  }

  watch(service: PolarisService, listener: RegistryListener<PolarisEntry>): () => void {
    const attempt = async (signal: AbortSignal, succeeded: () => void): Promise<void> => {
      for await (const entries of this.#poll(service, signal)) {
        succeeded();
        listener.found(entries);
      }
    };
    const failed = (reason: string): void => listener.failed(`Polaris at ${this.#client.address}: ${reason}`);
    return retryUntilStopped({ attempt, failed });
  }

  close(): void {
    this.#client.close();
  }

  async #register(instance: PolarisInstance, signal: AbortSignal): Promise<Lease> {
    const { namespace, name, host, port, serviceToken, ttlSeconds } = instance;
    const key = {
      service: { value: name },
      namespace: { value: namespace },
      host: { value: host },
      port: { value: port },
      ...(serviceToken !== '' && { service_token: { value: serviceToken } }),
    };
    const entry = {
      ...key,
      health_check: { type: HEARTBEAT, heartbeat: { ttl: { value: ttlSeconds } } },
      location: EMPTY_LOCATION,
    };
    await this.#change('RegisterInstance', entry, (code) => code === EXISTS);
    // the instance is unhealthy until its first heartbeat
    await this.#change('Heartbeat', key);

    const ending = new AbortController();
    const ended = AbortSignal.any([signal, ending.signal]);
    const lost = Promise.race([this.#beat(key, ttlSeconds, ended), this.#untilMissing(instance, ended)]);
    // the registration may be lost before `lost` is awaited
    lost.catch(() => undefined);
    return {
      lost: lost.finally(() => ending.abort()),
      revoke: async () => {
        ending.abort();
        await this.#change('DeregisterInstance', key, (code) => NOT_FOUND.has(code));
      },
    };
  }

  /** Rejects when Polaris refuses a heartbeat. */
  async #beat(key: InstanceMessage, seconds: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      await pause(seconds * 1000, signal);
      if (signal.aborted) return;
      await this.#change('Heartbeat', key);
    }
  }

  /** Polaris accepts three heartbeats of an instance that it has lost, so this also looks the instance up. */
  async #untilMissing({ host, port, ...service }: PolarisInstance, signal: AbortSignal): Promise<void> {
    let wasFound = false;
    for await (const entries of this.#poll(service, signal)) {
      const isFound = entries.some((entry) => entry.host === host && entry.port === port);
      if (wasFound && !isFound) return;
      wasFound ||= isFound;
    }
  }

  /** Yields the entries of a service, and again after each change. */
  async *#poll({ namespace, name }: PolarisService, signal: AbortSignal): AsyncGenerator<readonly PolarisEntry[]> {
    const service = { namespace: { value: namespace }, name: { value: name } };
    const pace = new PollPace();
    let revision: ServiceMessage['revision'];
    while (!signal.aborted) {
      const answer = await this.#client.discover({ ...service, revision });
      if (signal.aborted) return;
      const code = codeOf(answer);
      revision = answer.service?.revision;
      pace.record(answer.instances.length);
      if (NOT_FOUND.has(code)) yield [];
      else if (code === SUCCESS) yield answer.instances.map(parseEntry);
      else if (code !== NO_CHANGE) throw answerError(answer);
      await pause(pace.pauseMs(POLL_MS), signal);
    }
  }

  async #change(
    call: InstanceCall,
    instance: InstanceMessage,
    isAccepted: (code: number) => boolean = () => false,
  ): Promise<void> {
    const answer = await this.#client.change(call, instance);
    const code = codeOf(answer);
    if (code !== SUCCESS && !isAccepted(code)) throw answerError(answer);
  }
}

function parseEntry({ host, port, weight, healthy, isolate }: InstanceMessage): PolarisEntry {
  return {
    host: host?.value ?? '',
    port: port?.value ?? 0,
    weight: weight?.value ?? DEFAULT_WEIGHT,
    isHealthy: healthy?.value ?? false,
    isIsolated: isolate?.value ?? false,
  };
}

function codeOf({ code }: AnswerMessage): number {
  return code?.value ?? 0;
}

function answerError(answer: AnswerMessage): Error {
  return new Error(`answered ${codeOf(answer)}: ${answer.info?.value ?? ''}`);
}
