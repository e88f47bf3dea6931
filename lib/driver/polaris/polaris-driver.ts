import { DtmArgumentError, DtmConfigError, errorText } from '../../protocol/internal.js';
import { formatHostPort, type HostPort } from '../../support/host-port.js';
import type { DtmDriver } from '../driver.js';
import { grpcDriver } from '../support/base/grpc-driver.js';
import { parseEndpoint } from '../support/base/parse-endpoint.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';
import type { PolarisInstance } from '../support/registry/polaris/polaris-registry.js';
import { parseRegistryUrl } from '../support/registry/registry-url.js';
import { findPolarisServers } from './find-polaris-servers.js';
import { PolarisAddresses } from './polaris-addresses.js';
import { POLARIS_FORM, polarisBranchUrl, splitPolarisUrl } from './polaris-url.js';

/** Options of {@link polarisDriver}. */
export interface PolarisOptions {
  /**
   * Servers of Polaris, `host:port` of gRPC.
   *
   * @default the variables `DTM-MICRO-SERVICE-POLARIS-HOST` and `-PROVIDERPORT`, or `global.serverConnector.addresses` in the file
   *   `polaris.yaml` of the working directory, as for the Go drivers
   */
  readonly servers?: readonly string[] | undefined;
  /** Token of a user of Polaris. @default none */
  readonly token?: string | undefined;
}

const NAME = 'dtm-driver-polaris';

/** Seconds between two heartbeats, the value that Polaris uses for dtm. */
const TTL_SECONDS = 5;

const TARGET = 'polaris://host:port/service?namespace=NAMESPACE';

/**
 * Creates the driver of Polaris. A service has the address `polaris://service?namespace=NAMESPACE`; a branch is
 * `polaris://service/pkg.Service/Method?namespace=NAMESPACE`. The target of a registration is
 * `polaris://host:port/service?namespace=NAMESPACE`, in which `host:port` is the address of the service itself; the endpoint is
 * the token of the service, or empty.
 *
 * @param options - servers and token
 */
export function polarisDriver(options: PolarisOptions = {}): DtmDriver {
  const { servers: serverList, token } = options;
  let found: readonly HostPort[] | undefined;
  const servers = (): readonly HostPort[] => (found ??= findPolarisServers(serverList));
  const addresses = new PolarisAddresses(servers, token);
  const driver = grpcDriver({
    name: NAME,
    schemes: () => ({
      polaris: { form: POLARIS_FORM, source: addresses, registry: servers().map(formatHostPort).join() },
    }),
    prepareService(target, endpoint) {
      // a missing server is an error at the start
      servers();
      const instance = parseTarget(target, endpoint);
      return { register: (registerOptions) => addresses.register(instance, registerOptions) };
    },
  });
  return { ...driver, parseServerMethod: (uri) => splitPolarisUrl(uri, NAME), branchUrl: polarisBranchUrl };
}

function parseTarget(target: string, serviceToken: string): PolarisInstance {
  try {
    const { scheme, hosts, path, query } = parseRegistryUrl(target);
    const [host, ...others] = hosts;
    const namespace = query.get('namespace');
    if (scheme !== 'polaris' || !host || others.length > 0 || !namespace) {
      throw new DtmArgumentError('it needs a namespace, and one address that others can call');
    }
    return {
      ...parseEndpoint(formatHostPort(host), NAME),
      name: parseServiceName(path, 'the service in the target'),
      namespace: parseServiceName(namespace, 'the namespace in the target'),
      serviceToken,
      ttlSeconds: TTL_SECONDS,
    };
  } catch (cause) {
    throw new DtmConfigError(`driver ${NAME}: the target cannot be used: ${errorText(cause)}; expected ${TARGET}`, {
      cause,
    });
  }
}
