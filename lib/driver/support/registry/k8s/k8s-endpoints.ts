import { promises } from 'node:fs';
import { formatHostPort, parseHostPort } from '../../../../support/host-port.js';
import type { Address } from '../../lookup/address.js';
import { retryUntilStopped } from '../../tools/retry-until-stopped.js';
import { HttpRegistry, jsonOf } from '../http-registry.js';
import { pause } from '../../tools/pause.js';
import type { RegistryListener } from '../registry.js';

/** How the API server of Kubernetes is reached. */
export interface K8sOptions {
  /** Its URL. @default the one that every pod is told, `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT` */
  readonly url?: string | undefined;
  /** Folder with the files `token`, `ca.crt` and `namespace`. @default `/var/run/secrets/kubernetes.io/serviceaccount` */
  readonly accountFolder?: string | undefined;
}

/** A service in Kubernetes. */
export interface K8sService {
  /** @default the one of this pod */
  readonly namespace?: string | undefined;
  /** Its name. */
  readonly name: string;
}

/** Addresses of a service that are ready, with the ports of all of them. */
export interface K8sEntry {
  /** IP addresses. */
  readonly ips: readonly string[];
  /** Ports, in the order of the service. */
  readonly ports: readonly number[];
}

interface EndpointsMessage {
  readonly metadata?: { readonly resourceVersion?: string };
  readonly subsets?: readonly {
    readonly addresses?: readonly { readonly ip?: string }[] | null;
    readonly ports?: readonly { readonly port?: number }[] | null;
  }[];
}

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The server ends a watch after as long; then everything is read anew. */
const WATCH_SECONDS = 300;

/** A watch that is silent for longer is dead. */
const WATCH_MS = (WATCH_SECONDS + 30) * 1000;

/** Pause before everything is read anew: who ends watches at once is not asked all the time. */
const BREAK_MS = 1000;

/**
 * Where the services of Kubernetes are reached, as its API server says: their endpoints are listed, and watched. Nothing can
 * be registered: that does Kubernetes. Its account needs the verbs `list` and `watch` on `endpoints`.
 */
export class K8sEndpoints {
  readonly #options: K8sOptions;

  /** @param options - see {@link K8sOptions} */
  constructor(options: K8sOptions = {}) {
    this.#options = options;
  }

  /**
   * Reports the endpoints of a service, and again each time they change. What goes wrong is reported and tried again.
   *
   * @param service - what is looked for
   * @param listener - is told
   * @returns stops it
   */
  watch(service: K8sService, listener: RegistryListener<K8sEntry>): () => void {
    return retryUntilStopped({
      attempt: (signal, worked) => this.#follow(service, listener, signal, worked),
      failed: (reason) => listener.failed(`Kubernetes: ${reason}`),
    });
  }

  async #follow(
    service: K8sService,
    listener: RegistryListener<K8sEntry>,
    signal: AbortSignal,
    worked: () => void,
  ): Promise<void> {
    // certificates and tokens are changed now and then
    const [ca, token] = await Promise.all([this.#file('ca.crt'), this.#file('token')]);
    const namespace = service.namespace ?? (await this.#file('namespace'))?.trim() ?? 'default';
    const api = new HttpRegistry([{ url: this.#options.url ?? inClusterUrl() }], {
      tls: ca === undefined ? {} : { ca },
    });
    const endpoints = `/api/v1/namespaces/${encodeURIComponent(namespace)}/endpoints`;
    const query = `fieldSelector=${encodeURIComponent(`metadata.name=${service.name}`)}`;
    const request = {
      method: 'GET' as const,
      headers: { accept: 'application/json', ...(token !== undefined && { authorization: `Bearer ${token.trim()}` }) },
      signal,
    };
    try {
      const list = jsonOf(await api.send({ ...request, path: `${endpoints}?${query}` })) as {
        readonly metadata?: { readonly resourceVersion?: string };
        readonly items?: readonly EndpointsMessage[] | null;
      };
      if (signal.aborted) return;
      listener.found((list.items ?? []).flatMap(entriesOf));

      const since = `resourceVersion=${encodeURIComponent(list.metadata?.resourceVersion ?? '')}`;
      const path = `${endpoints}?${query}&watch=1&timeoutSeconds=${WATCH_SECONDS}&${since}`;
      const events = await api.lines({ ...request, path, timeoutMs: WATCH_MS });
      worked();
      for await (const line of events) {
        const { type, object = {} } = JSON.parse(line) as { type?: string; object?: EndpointsMessage };
        // what happened since then is not known any more (410), or something went wrong
        if (type === 'ERROR') break;
        if (type === 'DELETED') listener.found([]);
        if (type === 'ADDED' || type === 'MODIFIED') listener.found(entriesOf(object));
      }
    } finally {
      api.close();
    }
    await pause(BREAK_MS, signal);
  }

  /** @returns undefined when there is none */
  async #file(name: string): Promise<string | undefined> {
    try {
      return await promises.readFile(`${this.#options.accountFolder ?? ACCOUNT}/${name}`, 'utf8');
    } catch {
      return undefined;
    }
  }
}

/**
 * Addresses of a service.
 *
 * @param entries - its endpoints
 * @param port - at which they are called. @default their first one
 */
export function k8sAddresses(entries: readonly K8sEntry[], port?: number): readonly Address[] {
  return entries.flatMap(({ ips, ports }) =>
    ips.flatMap((host) => parseHostPort(formatHostPort({ host, port: port ?? ports[0] ?? 0 })) ?? []),
  );
}

function entriesOf({ subsets }: EndpointsMessage): readonly K8sEntry[] {
  return (subsets ?? []).map(({ addresses, ports }) => ({
    ips: (addresses ?? []).flatMap(({ ip }) => ip ?? []),
    ports: (ports ?? []).flatMap(({ port }) => port ?? []),
  }));
}

function inClusterUrl(): string {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  if (host && port) return `https://${formatHostPort({ host, port: Number(port) })}`;
  throw new Error('its API server is not known: KUBERNETES_SERVICE_HOST is set inside of its pods only');
}
