import { DtmArgumentError } from '../../protocol/internal.js';
import type { PreparedService } from '../driver.js';
import type { GrpcTarget, WatchAddresses } from '../support/lookup/address-source.js';
import { K8sEndpoints, k8sAddresses, type K8sEntry, type K8sOptions } from '../support/registry/k8s/k8s-endpoints.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';
import type { RegistryUrl } from '../support/registry/registry-url.js';
import type { EgoRegistry } from './ego-registry.js';

/** Services of Kubernetes as ego addresses them, `k8s:///service:port`, in the same namespaces for all services. */
export class EgoK8s implements EgoRegistry {
  readonly scheme = 'k8s';
  readonly url: string;
  readonly #endpoints: K8sEndpoints;
  /** Undefined for the namespace of the pod. */
  readonly #namespaces: readonly (string | undefined)[];
  readonly #prefix: string;

  /**
   * @param url - `k8s://service:port/?namespaces=one,other`
   * @param options - how Kubernetes is reached
   * @throws DtmArgumentError for the name of a namespace that is not allowed
   */
  constructor({ query }: RegistryUrl, options?: K8sOptions) {
    const namespaces = query.get('namespaces');
    this.#namespaces = namespaces
      ? namespaces.split(',').map((name) => parseServiceName(name, 'a namespace'))
      : [undefined];
    this.#prefix = query.get('deploymentPrefix') ?? '';
    this.url = `k8s://${this.#prefix}*?namespaces=${namespaces ?? ''}`;
    this.#endpoints = new K8sEndpoints(options);
  }

  parse(target: GrpcTarget): WatchAddresses {
    const { service, port } = parseTarget(target);
    const name = parseServiceName(this.#prefix + service);
    return (listener) => {
      const byNamespace = new Map<string | undefined, readonly K8sEntry[]>();
      const stops = this.#namespaces.map((namespace) =>
        this.#endpoints.watch(
          { namespace, name },
          {
            failed: (reason) => listener.failed(reason),
            found: (entries) => {
              byNamespace.set(namespace, entries);
              if (byNamespace.size < this.#namespaces.length) return;
              listener.found(k8sAddresses([...byNamespace.values()].flat(), port));
            },
          },
        ),
      );
      return () => stops.forEach((stop) => stop());
    };
  }

  /** Kubernetes registers pods by itself. */
  prepareService(): PreparedService {
    return { register: async () => ({ close: async () => undefined }) };
  }
}

function parseTarget({ authority, path }: GrpcTarget): { service: string; port: number } {
  const [, service, digits] = authority === '' ? (/^([^:]+):(\d{1,5})$/.exec(path) ?? []) : [];
  const port = Number(digits ?? 0);
  if (service !== undefined && port >= 1 && port <= 65_535) return { service: parseServiceName(service), port };
  throw new DtmArgumentError(
    `address 'k8s://…/${path}' is invalid: expected a service of ego in Kubernetes as k8s:///service:port, with three slashes`,
  );
}
