import {
  beatMsOf,
  DEFAULT_GROUP,
  type NacosApi,
  type NacosInstance,
  type NacosList,
  type NacosName,
  type NacosService,
} from './nacos-instance.js';
import type { NacosRequest, NacosSession } from './nacos-session.js';

/** An answer to a beat: the instance has to be registered again. */
const UNKNOWN_INSTANCE = 20_404;

/** The HTTP API up to Nacos 3.1, with the parameters that the SDK in Go dtm sends. */
export class NacosV1 implements NacosApi {
  readonly #session: NacosSession;

  constructor(session: NacosSession) {
    this.#session = session;
  }

  async register(instance: NacosInstance): Promise<void> {
    const { enabled = true, healthy = true, weight = 1, metadata = {} } = instance;
    const answer = await this.#send('POST', '/instance', {
      ...this.#identity(instance),
      groupName: instance.group ?? DEFAULT_GROUP,
      weight: String(weight),
      enable: String(enabled),
      healthy: String(healthy),
      metadata: JSON.stringify(metadata),
    });
    if (answer !== 'ok') throw new Error(`answered ${JSON.stringify(answer.slice(0, 200))}; expected "ok" from Nacos`);
  }

  async beat(instance: NacosInstance): Promise<number | undefined> {
    const { address, cluster = '', weight = 1, metadata = {} } = instance;
    const serviceName = grouped(instance);
    const beat = {
      ip: address.host,
      port: address.port,
      weight,
      serviceName,
      cluster,
      metadata,
      scheduled: false,
    };
    const parameters = { namespaceId: this.#session.namespace, serviceName, beat: JSON.stringify(beat) };
    const answer = objectIn(await this.#send('PUT', '/instance/beat', parameters));
    if (answer['code'] === UNKNOWN_INSTANCE) return undefined;
    const interval = answer['clientBeatInterval'];
    return typeof interval === 'number' && interval > 0 ? interval : beatMsOf(instance);
  }

  async deregister(instance: NacosInstance): Promise<void> {
    await this.#send('DELETE', '/instance', this.#identity(instance));
  }

  async list(service: NacosService, signal: AbortSignal): Promise<NacosList> {
    const parameters = {
      namespaceId: this.#session.namespace,
      serviceName: grouped(service),
      clusters: service.clusters?.join() ?? '',
      healthyOnly: 'false',
    };
    const { hosts, cacheMillis } = objectIn(await this.#send('GET', '/instance/list', parameters, signal));
    return { hosts, cacheMs: typeof cacheMillis === 'number' ? cacheMillis : undefined };
  }

  #identity(instance: NacosInstance): Record<string, string> {
    return {
      namespaceId: this.#session.namespace,
      serviceName: grouped(instance),
      clusterName: instance.cluster ?? '',
      ip: instance.address.host,
      port: String(instance.address.port),
      ephemeral: String(instance.ephemeral ?? true),
    };
  }

  #send(
    method: NacosRequest['method'],
    path: string,
    parameters: NacosRequest['parameters'],
    signal?: AbortSignal,
  ): Promise<string> {
    return this.#session.send({ method, path: `/v1/ns${path}`, parameters, loginPath: '/v1/auth/login', signal });
  }
}

function grouped({ group = DEFAULT_GROUP, service }: NacosName): string {
  return `${group}@@${service}`;
}

function objectIn(body: string): Record<string, unknown> {
  return JSON.parse(body) as Record<string, unknown>;
}
