import type { DriverRegistration, RegisterOptions } from '../../../driver.js';
import type { Address } from '../../lookup/address.js';
import { retryUntilStopped } from '../../tools/retry-until-stopped.js';
import { keepRegistered, type Lease } from '../keep-registered.js';
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

/** An instance that is entered. */
export interface PolarisInstance extends PolarisService, Address {
  /** What allows to enter instances of the service; empty for none. */
  readonly serviceToken: string;
  /** It is ill after three times as long without a sign of life, in seconds. */
  readonly ttlSeconds: number;
}

/** An instance that was found. */
export interface PolarisEntry {
  /** As it was registered; not checked. */
  readonly host: string;
  /** As it was registered; not checked. */
  readonly port: number;
  /** Its share of the calls; with 0 it gets none. */
  readonly weight: number;
  /** It gives signs of life, or need not. */
  readonly isHealthy: boolean;
  /** Somebody has taken it out of service. */
  readonly isIsolated: boolean;
}

const SUCCESS = 200_000;
const NO_CHANGE = 200_001;
const EXISTS = 400_201;
/** No such instance, service, instance, namespace. */
const NOT_FOUND: ReadonlySet<number> = new Set([400_202, 400_301, 400_303, 400_305]);

/** The clients of Polaris send it, and nothing in it. */
const NOWHERE = { region: { value: '' }, zone: { value: '' }, campus: { value: '' } };

/** As often as the clients of Polaris ask. */
const POLL_MS = 2000;

/** Weight of an instance that has none. */
const WEIGHT = 100;

/** Instances of services in namespaces, over gRPC (port 8091). */
export class PolarisRegistry implements Registry<PolarisInstance, PolarisService, PolarisEntry> {
  readonly #client: PolarisClient;

  /**
   * @param servers - at least one
   * @param token - of a user of Polaris, where it asks for one
   */
  constructor(servers: readonly Address[], token?: string) {
    this.#client = new PolarisClient(servers, token);
  }

  register(instance: PolarisInstance, options?: RegisterOptions): Promise<DriverRegistration> {
    const what = `${instance.namespace}/${instance.name} in Polaris at ${this.#client.address}`;
    return keepRegistered({ what, enter: (signal) => this.#enter(instance, signal) }, options);
  }

  watch(service: PolarisService, listener: RegistryListener<PolarisEntry>): () => void {
    const attempt = async (signal: AbortSignal, worked: () => void): Promise<void> => {
      for await (const entries of this.#answers(service, signal)) {
        worked();
        listener.found(entries);
      }
    };
    const failed = (reason: string): void => listener.failed(`Polaris at ${this.#client.address}: ${reason}`);
    return retryUntilStopped({ attempt, failed });
  }

  close(): void {
    this.#client.close();
  }

  async #enter(instance: PolarisInstance, signal: AbortSignal): Promise<Lease> {
    const { namespace, name, host, port, serviceToken, ttlSeconds } = instance;
    const which = {
      service: { value: name },
      namespace: { value: namespace },
      host: { value: host },
      port: { value: port },
      ...(serviceToken !== '' && { service_token: { value: serviceToken } }),
    };
    const entry = {
      ...which,
      health_check: { type: HEARTBEAT, heartbeat: { ttl: { value: ttlSeconds } } },
      location: NOWHERE,
    };
    await this.#change('RegisterInstance', entry, (code) => code === EXISTS);
    // until the first one it counts as ill
    await this.#change('Heartbeat', which);

    const over = new AbortController();
    const ended = AbortSignal.any([signal, over.signal]);
    const lost = Promise.race([this.#beat(which, ttlSeconds, ended), this.#untilGone(instance, ended)]);
    // also when nobody comes to wait for it
    lost.catch(() => undefined);
    return {
      lost: lost.finally(() => over.abort()),
      leave: async () => {
        over.abort();
        await this.#change('DeregisterInstance', which, (code) => NOT_FOUND.has(code));
      },
    };
  }

  /** Rejects when a sign of life is not taken. */
  async #beat(which: InstanceMessage, seconds: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      await pause(seconds * 1000, signal);
      if (signal.aborted) return;
      await this.#change('Heartbeat', which);
    }
  }

  /** Polaris takes signs of life of an instance that is gone, the first three times: it is looked for as well. */
  async #untilGone({ host, port, ...service }: PolarisInstance, signal: AbortSignal): Promise<void> {
    let wasThere = false;
    for await (const entries of this.#answers(service, signal)) {
      const isThere = entries.some((entry) => entry.host === host && entry.port === port);
      if (wasThere && !isThere) return;
      wasThere ||= isThere;
    }
  }

  /** What stands under a service, and again each time that changes. */
  async *#answers({ namespace, name }: PolarisService, signal: AbortSignal): AsyncGenerator<readonly PolarisEntry[]> {
    const service = { namespace: { value: namespace }, name: { value: name } };
    let revision: ServiceMessage['revision'];
    while (!signal.aborted) {
      const answer = await this.#client.discover({ ...service, revision });
      if (signal.aborted) return;
      const code = codeOf(answer);
      revision = answer.service?.revision;
      if (NOT_FOUND.has(code)) yield [];
      else if (code === SUCCESS) yield answer.instances.map(entryOf);
      else if (code !== NO_CHANGE) throw refusal(answer);
      await pause(POLL_MS, signal);
    }
  }

  async #change(
    call: InstanceCall,
    instance: InstanceMessage,
    isFine: (code: number) => boolean = () => false,
  ): Promise<void> {
    const answer = await this.#client.change(call, instance);
    const code = codeOf(answer);
    if (code !== SUCCESS && !isFine(code)) throw refusal(answer);
  }
}

function entryOf({ host, port, weight, healthy, isolate }: InstanceMessage): PolarisEntry {
  return {
    host: host?.value ?? '',
    port: port?.value ?? 0,
    weight: weight?.value ?? WEIGHT,
    isHealthy: healthy?.value ?? false,
    isIsolated: isolate?.value ?? false,
  };
}

function codeOf({ code }: AnswerMessage): number {
  return code?.value ?? 0;
}

function refusal(answer: AnswerMessage): Error {
  return new Error(`answered ${codeOf(answer)}: ${answer.info?.value ?? ''}`);
}
