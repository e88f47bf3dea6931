import { promises } from 'node:fs';
import { formatHostPort, parseHostPort } from '../../../../support/host-port.js';
import type { ServiceAddress } from '../../tools/service-address.js';
import { pause } from '../../tools/pause.js';
import { retryUntilStopped } from '../../tools/retry-until-stopped.js';
import { parseAnswer, RegistryHttpClient } from '../registry-http-client.js';
import type { RegistryListener } from '../registry.js';

/** How the API server of Kubernetes is reached. */
export interface K8sOptions {
  /** Its URL. @default the URL that each pod has in `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT` */
  readonly url?: string | undefined;
  /**
   * The folder with the files `token`, `ca.crt` and `namespace`.
   *
   * @default '/var/run/secrets/kubernetes.io/serviceaccount'
   */
  readonly accountFolder?: string | undefined;
}

/** A service in Kubernetes. */
export interface K8sService {
  /** Its namespace. @default the namespace of this pod */
  readonly namespace?: string | undefined;
  /** Its name. */
  readonly name: string;
}

/** Addresses of a service that are ready, and the ports that all of them have. */
export interface K8sEntry {
  /** IP addresses. */
  readonly ips: readonly string[];
  /** Ports in the order of the service. */
  readonly ports: readonly number[];
}

interface EndpointsMessage {
  readonly metadata?: { readonly resourceVersion?: string };
  readonly subsets?: readonly {
    readonly addresses?: readonly { readonly ip?: string }[] | null;
    readonly ports?: readonly { readonly port?: number }[] | null;
  }[];
}

const ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The server ends a watch after this time; the client then lists again. */
const WATCH_SECONDS = 300;

/** A watch that takes longer is dead. */
const WATCH_TIMEOUT_MS = (WATCH_SECONDS + 30) * 1000;

/** The pause before the next list: a limit for a server that ends watches at once. */
const RELIST_MS = 1000;

/**
 * Endpoints of services in Kubernetes, listed and watched at its API server. Kubernetes registers pods by itself. The service
 * account needs the verbs `list` and `watch` on `endpoints`.
 */
export class K8sEndpoints {
  readonly #options: K8sOptions;

  constructor(options: K8sOptions = {}) {
    this.#options = options;
  }

  /**
   * Reports the endpoints of a service, and again after each change. A failure is reported and retried.
   *
   * @returns stops the reports
   */
  watch(service: K8sService, listener: RegistryListener<K8sEntry>): () => void {
    return retryUntilStopped({
      attempt: (signal, succeeded) => this.#follow(service, listener, signal, succeeded),
      failed: (reason) => listener.failed(`Kubernetes: ${reason}`),
    });
  }

  async #follow(
    service: K8sService,
    listener: RegistryListener<K8sEntry>,
    signal: AbortSignal,
    succeeded: () => void,
  ): Promise<void> {
    // Kubernetes rotates certificates and tokens
    const [ca, token] = await Promise.all([this.#readFile('ca.crt'), this.#readFile('token')]);
    const namespace = service.namespace ?? (await this.#readFile('namespace'))?.trim() ?? 'default';
    const api = new RegistryHttpClient([{ url: this.#options.url ?? inClusterUrl() }], {
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
      const list = parseAnswer(await api.send({ ...request, path: `${endpoints}?${query}` })) as {
        readonly metadata?: { readonly resourceVersion?: string };
        readonly items?: readonly EndpointsMessage[] | null;
      };
      if (signal.aborted) return;
      listener.found((list.items ?? []).flatMap(parseEndpoints));

      const since = `resourceVersion=${encodeURIComponent(list.metadata?.resourceVersion ?? '')}`;
      const path = `${endpoints}?${query}&watch=1&timeoutSeconds=${WATCH_SECONDS}&${since}`;
      const events = await api.lines({ ...request, path, timeoutMs: WATCH_TIMEOUT_MS });
      succeeded();
      for await (const line of events) {
        const { type, object = {} } = JSON.parse(line) as { type?: string; object?: EndpointsMessage };
        // the changes since the list are gone (410), or the watch has failed
        if (type === 'ERROR') break;
        if (type === 'DELETED') listener.found([]);
        if (type === 'ADDED' || type === 'MODIFIED') listener.found(parseEndpoints(object));
      }
    } finally {
      api.close();
    }
    await pause(RELIST_MS, signal);
  }

  /** @returns undefined when the file does not exist */
  async #readFile(name: string): Promise<string | undefined> {
    try {
      return await promises.readFile(`${this.#options.accountFolder ?? ACCOUNT_FOLDER}/${name}`, 'utf8');
    } catch {
      return undefined;
    }
  }
}

/**
 * The addresses of a service.
 *
 * @param entries - its endpoints
 * @param port - the port to call. @default the first port of each endpoint
 */
export function k8sAddresses(entries: readonly K8sEntry[], port?: number): readonly ServiceAddress[] {
  return entries.flatMap(({ ips, ports }) =>
    ips.flatMap((host) => parseHostPort(formatHostPort({ host, port: port ?? ports[0] ?? 0 })) ?? []),
  );
}

function parseEndpoints({ subsets }: EndpointsMessage): readonly K8sEntry[] {
  return (subsets ?? []).map(({ addresses, ports }) => ({
    ips: (addresses ?? []).flatMap(({ ip }) => ip ?? []),
    ports: (ports ?? []).flatMap(({ port }) => port ?? []),
  }));
}

function inClusterUrl(): string {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  if (host && port) return `https://${formatHostPort({ host, port: Number(port) })}`;
  throw new Error('KUBERNETES_SERVICE_HOST is not set, as it is only in a pod; give the URL of the API server');
}
