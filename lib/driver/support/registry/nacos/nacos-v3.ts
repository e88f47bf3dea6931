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
const UNKNOWN_INSTANCE = 21_003;

/** The format of all answers. */
interface Result {
  readonly code: unknown;
  readonly message: unknown;
  readonly data: unknown;
}

/** The HTTP API for clients from Nacos 3.0 on. */
export class NacosV3 implements NacosApi {
  readonly #session: NacosSession;

  constructor(session: NacosSession) {
    this.#session = session;
  }

  async register(instance: NacosInstance): Promise<void> {
    dataOf(await this.#send('POST', '', this.#all(instance)));
  }

  async beat(instance: NacosInstance): Promise<number | undefined> {
    const result = await this.#send('POST', '', { ...this.#all(instance), heartBeat: 'true' });
    if (result.code === UNKNOWN_INSTANCE) return undefined;
    dataOf(result);
    return beatMsOf(instance);
  }

  async deregister(instance: NacosInstance): Promise<void> {
    dataOf(await this.#send('DELETE', '', this.#identity(instance)));
  }

  async list(service: NacosService, signal: AbortSignal): Promise<NacosList> {
    const parameters = { ...this.#name(service), clusterName: service.clusters?.join() || undefined };
    return { hosts: dataOf(await this.#send('GET', '/list', parameters, signal)) };
  }

  #all(instance: NacosInstance): Record<string, string> {
    const { enabled = true, healthy = true, weight = 1, metadata = {} } = instance;
    return {
      ...this.#identity(instance),
      weight: String(weight),
      enabled: String(enabled),
      healthy: String(healthy),
      metadata: JSON.stringify(metadata),
    };
  }

  #identity(instance: NacosInstance): Record<string, string> {
    return {
      ...this.#name(instance),
      clusterName: instance.cluster ?? 'DEFAULT',
      ip: instance.address.host,
      port: String(instance.address.port),
      ephemeral: String(instance.ephemeral ?? true),
    };
  }

  #name({ service, group = DEFAULT_GROUP }: NacosName): Record<string, string> {
    return { namespaceId: this.#session.namespace, groupName: group, serviceName: service };
  }

  async #send(
    method: NacosRequest['method'],
    path: string,
    parameters: NacosRequest['parameters'],
    signal?: AbortSignal,
  ): Promise<Result> {
    const loginPath = '/v3/auth/user/login';
    const request = { method, path: `/v3/client/ns/instance${path}`, parameters, loginPath, signal };
    return JSON.parse(await this.#session.send(request)) as Result;
  }
}

function dataOf({ code, message, data }: Result): unknown {
  if (code === 0) return data;
  throw new Error(`answered ${String(code)}: ${String(message).slice(0, 200)}`);
}
