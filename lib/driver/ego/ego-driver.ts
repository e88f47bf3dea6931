import { DtmArgumentError, DtmConfigError, errorText, type ServerMethod } from '../../protocol/internal.js';
import { redactUrls } from '../../support/redact-urls.js';
import type { DtmDriver } from '../driver.js';
import type { AddressSource } from '../support/lookup/grpc-resolver/address-source.js';
import { grpcDriver } from '../support/base/grpc-driver.js';
import type { EtcdOptions } from '../support/registry/etcd/etcd-registry.js';
import type { K8sOptions } from '../support/registry/k8s/k8s-endpoints.js';
import { parseRegistryUrl, type RegistryUrl } from '../support/registry/registry-url.js';
import { EgoEtcd } from './ego-etcd.js';
import { EgoK8s } from './ego-k8s.js';
import type { EgoRegistry } from './ego-registry.js';

/** Options of {@link egoDriver}. */
export interface EgoOptions {
  /**
   * Where services are found: `etcd://host:2379,host:2379?userName=…`, or `k8s://?namespaces=one,other`.
   *
   * @default the registry in the first target that is given
   */
  readonly registry?: string | undefined;
  /** How etcd is reached, where it asks for more than its addresses. @default plainly */
  readonly etcd?: EtcdOptions | undefined;
  /** How Kubernetes is reached. @default as from inside of a pod */
  readonly k8s?: K8sOptions | undefined;
}

const NAME = 'dtm-driver-ego';

const REMEDY =
  "name the registry: egoDriver({ registry: 'etcd://host:2379' }), or register a service with a target " +
  'etcd://host:2379/service';

const FORMS = {
  etcd: 'etcd:///service/pkg.Service/Method, with three slashes',
  k8s: 'k8s:///service:port/pkg.Service/Method, with three slashes',
};

/**
 * Services as ego registers and finds them: in etcd they are called `etcd:///service`, in Kubernetes
 * `k8s:///service:port`. A branch has its method behind that, `etcd:///service/pkg.Service/Method`. Services are registered
 * with the target `etcd://host:2379,host:2379/service`; with `k8s://service:port/?namespaces=default` nothing is written.
 *
 * @param options - registry and credentials
 * @throws DtmConfigError when the registry is none
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
  let found = options.registry === undefined ? undefined : open(registryUrl(options.registry));

  const driver = grpcDriver({
    name: NAME,
    schemes: () => {
      const { scheme = 'etcd', url: registry } = found ?? {};
      return { [scheme]: { form: FORMS[scheme], source: found ?? nowhere, registry, isProvisional: !found } };
    },
    prepareService(target, endpoint) {
      const url = registryUrl(target);
      const registry = open(url);
      const service = registry.prepareService(url.path, endpoint);
      found ??= registry;
      return service;
    },
  });
  const parseServerMethod = (uri: string): ServerMethod => {
    const parts = driver.parseServerMethod(uri);
    const scheme = found?.scheme ?? 'etcd';
    if (!parts.server.startsWith(`${scheme}://`)) return parts;
    const refusal = (why: string): DtmArgumentError => new DtmArgumentError(`bad url: '${redactUrls(uri)}'. ${why}`);
    if (!found) throw refusal(`driver ${NAME} does not know where to look it up; ${REMEDY}`);
    const [, path] = parts.server.split(':///');
    if (path === undefined) throw refusal(`a gRPC branch with this scheme is written ${FORMS[scheme]}`);
    found.check({ scheme, authority: '', path });
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

/** Before a registry is known. */
const nowhere: AddressSource = {
  check() {
    throw new DtmArgumentError(`driver ${NAME} does not know where to look services up; ${REMEDY}`);
  },
  watch: () => () => undefined,
};

function registryUrl(text: string): RegistryUrl {
  let url;
  try {
    url = parseRegistryUrl(text, 2379);
  } catch (error) {
    throw refused(errorText(error), error);
  }
  if (url.scheme === 'k8s') return url;
  if (url.scheme !== 'etcd') throw refused(`${JSON.stringify(url.scheme)} is none`);
  if (url.hosts.length === 0) throw refused('there is no host in this one');
  return url;
}

function refused(why: string, cause?: unknown): DtmConfigError {
  return new DtmConfigError(
    `driver ${NAME} takes the registries etcd://host:2379,host:2379 and k8s://?namespaces=default; ${why}`,
    { cause },
  );
}
