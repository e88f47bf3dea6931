import { DtmArgumentError, DtmConfigError, errorText } from '../../protocol/internal.js';
import { formatHostPort, type HostPort } from '../../support/host-port.js';
import type { DriverRegistration, DtmDriver, RegisterOptions } from '../driver.js';
import { grpcDriver } from '../support/base/grpc-driver.js';
import { parseEndpoint } from '../support/base/parse-endpoint.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';
import type { PolarisInstance } from '../support/registry/polaris/polaris-registry.js';
import { parseRegistryUrl } from '../support/registry/registry-url.js';
import { openAuthorityProxy } from './authority-proxy.js';
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
  /**
   * Opens a second port for callers in Go, which forwards their calls to the address in the target. Go's client of Polaris, which
   * Go dtm uses, sends an empty `:authority`; Node's HTTP/2 refuses that, and the second port adds a value. It is open on all
   * interfaces while the service is registered, and is registered in place of the port in the target. 0 opens a free port.
   *
   * @default the variable `DTM_POLARIS_PROXY_PORT`, or no second port
   */
  readonly proxyPort?: number | undefined;
}

const NAME = 'dtm-driver-polaris';

/** Seconds between two heartbeats, the value that Polaris uses for dtm. */
const TTL_SECONDS = 5;

/** Sets the option for a driver that is chosen by its name. */
const PROXY_PORT = 'DTM_POLARIS_PROXY_PORT';

const TARGET = 'polaris://host:port/service?namespace=NAMESPACE';

/**
 * Creates the driver of Polaris. A service has the address `polaris://service?namespace=NAMESPACE`; a branch is
 * `polaris://service/pkg.Service/Method?namespace=NAMESPACE`. The target of a registration is
 * `polaris://host:port/service?namespace=NAMESPACE`, in which `host:port` is the address of the service itself; the endpoint is
 * the token of the service, or empty.
 *
 * @param options - servers, token and second port
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
      const proxyPort = options.proxyPort ?? proxyPortIn(process.env);
      return {
        register: (registerOptions) =>
          proxyPort === undefined
            ? addresses.register(instance, registerOptions)
            : registerProxy(addresses, instance, proxyPort, registerOptions),
      };
    },
  });
  return { ...driver, parseServerMethod: (uri) => splitPolarisUrl(uri, NAME), branchUrl: polarisBranchUrl };
}

async function registerProxy(
  addresses: PolarisAddresses,
  instance: PolarisInstance,
  proxyPort: number,
  options: RegisterOptions | undefined,
): Promise<DriverRegistration> {
  const proxy = await openAuthorityProxy(proxyPort, instance);
  const registration = await addresses.register({ ...instance, port: proxy.port }, options);
  return {
    get problem() {
      return registration.problem;
    },
    close: () => registration.close().finally(() => proxy.close()),
  };
}

function proxyPortIn({ [PROXY_PORT]: text }: Readonly<Record<string, string | undefined>>): number | undefined {
  if (!text) return undefined;
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new DtmConfigError(`driver ${NAME}: ${PROXY_PORT} must be a port, not ${JSON.stringify(text)}`);
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
