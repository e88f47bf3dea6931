import { DtmArgumentError } from '../../protocol/internal.js';
import { redactUrls } from '../../support/redact-urls.js';
import { addressListener } from '../support/base/address-listener.js';
import type { AddressSource, GrpcTarget, WatchAddresses } from '../support/lookup/address-source.js';
import { K8sEndpoints, k8sAddresses, type K8sOptions, type K8sService } from '../support/registry/k8s/k8s-endpoints.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';

/** go-zero's default, whatever the namespace of the pod is. */
const DEFAULT_NAMESPACE = 'default';

/** Services of Kubernetes as go-zero addresses them, `k8s://namespace/service:port`. */
export class K8sAddresses implements AddressSource {
  readonly #endpoints: K8sEndpoints;

  /** @param options - how Kubernetes is reached */
  constructor(options?: K8sOptions) {
    this.#endpoints = new K8sEndpoints(options);
  }

  parse(target: GrpcTarget): WatchAddresses {
    const { port, ...service } = parseTarget(target);
    return (listener) =>
      this.#endpoints.watch(
        service,
        addressListener(listener, (entries) => k8sAddresses(entries, port)),
      );
  }
}

function parseTarget({ scheme, authority, path }: GrpcTarget): K8sService & { readonly port: number | undefined } {
  const [, name, digits] = /^([^:]+)(?::(\d{1,5}))?$/.exec(path) ?? [];
  const port = Number(digits ?? 0);
  if (name === undefined || port > 65_535) {
    const url = redactUrls(`${scheme}://${authority}/${path}`);
    throw new DtmArgumentError(
      `address '${url}' is invalid: expected a service in Kubernetes as ${scheme}://namespace/service:port`,
    );
  }
  return {
    namespace: parseServiceName(authority || DEFAULT_NAMESPACE, 'the name of a namespace'),
    name: parseServiceName(name),
    port: port || undefined,
  };
}
