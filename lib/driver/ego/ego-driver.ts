import { DtmArgumentError, DtmConfigError, errorText, type ServerMethod } from '../../protocol/internal.js';
import { redactUrls } from '../../support/redact-urls.js';
import type { DtmDriver } from '../driver.js';
import { grpcDriver } from '../support/base/grpc-driver.js';
import type { AddressSource } from '../support/lookup/address-source.js';
import type { EtcdOptions } from '../support/registry/etcd/etcd-options.js';
import type { K8sOptions } from '../support/registry/k8s/k8s-endpoints.js';
import { parseRegistryUrl, type RegistryUrl } from '../support/registry/registry-url.js';
import { EgoEtcd } from './ego-etcd.js';
import { EgoK8s } from './ego-k8s.js';
import type { EgoRegistry } from './ego-registry.js';

/** Options of {@link egoDriver}. */
export interface EgoOptions {
  /**
   * The registry in which services are looked up: `etcd://host:2379,host:2379?userName=…`, or `k8s://?namespaces=one,other`.
   *
   * @default the registry of the first target
   */
  readonly registry?: string | undefined;
  /** How etcd is reached, in addition to its addresses. @default without a user and TLS */
  readonly etcd?: EtcdOptions | undefined;
  /** How Kubernetes is reached. @default as from inside a pod */
  readonly k8s?: K8sOptions | undefined;
}

const NAME = 'dtm-driver-ego';

const NO_REGISTRY =
  `driver ${NAME} has no registry to look services up in; create it with egoDriver({ registry: 'etcd://host:2379' }), or ` +
  'register a service with a target etcd://host:2379/service';

const FORMS = {
  etcd: 'etcd:///service/pkg.Service/Method, with three slashes',
  k8s: 'k8s:///service:port/pkg.Service/Method, with three slashes',
};

/**
 * Creates the driver of ego. A service has the address `etcd:///service` in etcd, and `k8s:///service:port` in Kubernetes; a
 * branch adds its method, `etcd:///service/pkg.Service/Method`. The target of a registration is
 * `etcd://host:2379,host:2379/service`, the endpoint is `host:port`. With the target
 * `k8s://service:port/?namespaces=default` Kubernetes registers the service.
 *
 * @param options - the registry and its credentials
 * @throws DtmConfigError when the registry cannot be used
 */
export function egoDriver(options: EgoOptions = {}): DtmDriver {
  const opened = new Map<string, EgoRegistry>();
  const open = (url: RegistryUrl): EgoRegistry => {
    const key = JSON.stringify([url.scheme, url.hosts, url.user, url.password, [...url.query]]);
    const registry =
      opened.get(key) ?? (url.scheme === 'k8s' ? new EgoK8s(url, options.k8s) : new EgoEtcd(url, options.etcd));
    opened.set(key, registry);
    return registry;
  };
  /** gRPC has one table of schemes, so that services are looked up in one registry. */
  let lookup = options.registry === undefined ? undefined : open(parseEgoUrl(options.registry));

  const driver = grpcDriver({
    name: NAME,
    schemes: () => {
      const { scheme = 'etcd', url: registry } = lookup ?? {};
      return { [scheme]: { form: FORMS[scheme], source: lookup ?? unknownRegistry, registry, isProvisional: !lookup } };
    },
    prepareService(target, endpoint) {
      const url = parseEgoUrl(target);
      const registry = open(url);
      const service = registry.prepareService(url.path, endpoint);
      lookup ??= registry;
      return service;
    },
  });
  const parseServerMethod = (uri: string): ServerMethod => {
    const parts = driver.parseServerMethod(uri);
    const scheme = lookup?.scheme ?? 'etcd';
    if (!parts.server.startsWith(`${scheme}://`)) return parts;
    const refusal = (why: string): DtmArgumentError =>
      new DtmArgumentError(`branch URL '${redactUrls(uri)}' is invalid: ${why}`);
    if (!lookup) throw refusal(NO_REGISTRY);
    const [, path] = parts.server.split(':///');
    if (path === undefined) throw refusal(`expected a gRPC branch as ${FORMS[scheme]}`);
    lookup.parse({ scheme, authority: '', path });
    return parts;
  };
  return {
    ...driver,
    parseServerMethod,
    branchUrl(service, method) {
      const url = driver.branchUrl!(service, method);
      parseServerMethod(url);
      return url;
    },
  };
}

/** Placeholder until a registry is known. */
const unknownRegistry: AddressSource = {
  parse() {
    throw new DtmArgumentError(NO_REGISTRY);
  },
};

function parseEgoUrl(text: string): RegistryUrl {
  let url;
  try {
    url = parseRegistryUrl(text, 2379);
  } catch (error) {
    throw registryError(errorText(error), error);
  }
  if (url.scheme === 'k8s') return url;
  if (url.scheme !== 'etcd') throw registryError(`the URL has the scheme ${JSON.stringify(url.scheme)}`);
  if (url.hosts.length === 0) throw registryError('the URL has no host');
  return url;
}

function registryError(why: string, cause?: unknown): DtmConfigError {
  return new DtmConfigError(
    `driver ${NAME}: ${why}; expected a registry as etcd://host:2379,host:2379 or k8s://?namespaces=default`,
    { cause },
  );
}
