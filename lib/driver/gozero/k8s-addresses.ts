import { DtmArgumentError } from '../../protocol/internal.js';
import { redactUrls } from '../../support/redact-urls.js';
import type { AddressListener, AddressSource, GrpcTarget } from '../support/lookup/grpc-resolver/address-source.js';
import { K8sEndpoints, k8sAddresses, type K8sOptions, type K8sService } from '../support/registry/k8s/k8s-endpoints.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';

/** go-zero's, whatever the namespace of the pod. */
const DEFAULT_NAMESPACE = 'default';

/** Services of Kubernetes as go-zero addresses them, `k8s://namespace/service:port`. */
export class K8sAddresses implements AddressSource {
  readonly #endpoints: K8sEndpoints;

  /** @param options - how Kubernetes is reached */
  constructor(options?: K8sOptions) {
    this.#endpoints = new K8sEndpoints(options);
  }

  check(target: GrpcTarget): void {
    wantedBy(target);
  }

  watch(target: GrpcTarget, listener: AddressListener): () => void {
    const { port, ...service } = wantedBy(target);
    return this.#endpoints.watch(service, {
      failed: (reason) => listener.failed(reason),
      found: (entries) => listener.found(k8sAddresses(entries, port)),
    });
  }
}

function wantedBy({ scheme, authority, path }: GrpcTarget): K8sService & { readonly port: number | undefined } {
  const [, name, digits] = /^([^:]+)(?::(\d{1,5}))?$/.exec(path) ?? [];
  const port = Number(digits ?? 0);
  if (name === undefined || port > 65_535) {
    const url = redactUrls(`${scheme}://${authority}/${path}`);
    throw new DtmArgumentError(
      `bad address: '${url}'. a service in Kubernetes is written ${scheme}://namespace/service:port`,
    );
  }
  return {
    namespace: parseServiceName(authority || DEFAULT_NAMESPACE, 'the name of a namespace'),
    name: parseServiceName(name),
    port: port || undefined,
  };
}
