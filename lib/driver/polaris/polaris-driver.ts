import { DtmArgumentError, DtmConfigError, errorText } from '../../protocol/internal.js';
import { formatHostPort } from '../../support/host-port.js';
import type { DriverRegistration, DtmDriver, RegisterOptions } from '../driver.js';
import { grpcDriver } from '../support/base/grpc-driver.js';
import { parseEndpoint } from '../support/base/parse-endpoint.js';
import type { PolarisInstance } from '../support/registry/polaris/polaris-registry.js';
import { parseRegistryUrl } from '../support/registry/registry-url.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';
import { PolarisAddresses } from './polaris-addresses.js';
import { openAuthorityProxy } from './authority-proxy.js';
import { polarisServers } from './polaris-servers.js';
import { POLARIS_FORM, polarisBranchUrl, splitPolarisUrl } from './polaris-url.js';

/** Options of {@link polarisDriver}. */
export interface PolarisOptions {
  /**
   * Servers of Polaris, `host:port` of gRPC.
   *
   * @default what `DTM-MICRO-SERVICE-POLARIS-HOST` and `-PROVIDERPORT` say, or `global.serverConnector.addresses` in the
   *   file `polaris.yaml` of the working directory, as for the Go drivers
   */
  readonly servers?: readonly string[] | undefined;
  /** Token of a user of Polaris, where it asks for one. @default none */
  readonly token?: string | undefined;
  /**
   * Port at which callers of the other kind, Go's, reach what is registered: their calls are named and go on to the address
   * in the target. Go's clients of Polaris, Go dtm among them, send an empty `:authority`, and Node's HTTP/2 refuses that. It
   * is opened at all interfaces while the service is registered, and stands in the registry in place of the port in the
   * target; 0 takes a free one.
   *
   * @default what the environment variable `DTM_POLARIS_FRONT_PORT` says, otherwise none: what is registered is the address in
   *   the target, which callers in Go cannot call when Node serves it
   */
  readonly frontPort?: number | undefined;
}

const NAME = 'dtm-driver-polaris';

/** Between two signs of life, in seconds, as the server takes it from dtm. */
const TTL_SECONDS = 5;

/** For those who choose the driver by its name. */
const FRONT_PORT = 'DTM_POLARIS_FRONT_PORT';

const TARGET = 'polaris://host:port/service?namespace=NAMESPACE';

/**
 * Services in Polaris. One is addressed as `polaris://service?namespace=NAMESPACE`, a branch is
 * `polaris://service/pkg.Service/Method?namespace=NAMESPACE`. What is registered is the target
 * `polaris://host:port/service?namespace=NAMESPACE`, in which `host:port` is where the service itself is reached; the
 * endpoint is the token of the service, or empty.
 *
 * @param options - servers and token
 */
export function polarisDriver({ servers: option, token, ...options }: PolarisOptions = {}): DtmDriver {
  let known: string | undefined;
  const servers = (): string => (known ??= polarisServers(option));
  const addresses = new PolarisAddresses(servers, token);
  const driver = grpcDriver({
    name: NAME,
    schemes: () => ({ polaris: { form: POLARIS_FORM, source: addresses, registry: servers() } }),
    prepareService(target, endpoint) {
      servers();
      const instance = instanceOf(target, endpoint);
      const frontPort = options.frontPort ?? frontPortIn(process.env);
      const register = async (registerOptions?: RegisterOptions): Promise<DriverRegistration> => {
        if (frontPort === undefined) return addresses.register(instance, registerOptions);
        const front = await openAuthorityProxy(frontPort, instance);
        const registration = await addresses.register({ ...instance, port: front.port }, registerOptions);
        return {
          get problem() {
            return registration.problem;
          },
          close: () => registration.close().finally(() => front.close()),
        };
      };
      return { register };
    },
  });
  return { ...driver, parseServerMethod: (uri) => splitPolarisUrl(uri, NAME), branchUrl: polarisBranchUrl };
}

function frontPortIn({ [FRONT_PORT]: text }: Readonly<Record<string, string | undefined>>): number | undefined {
  if (!text) return undefined;
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new DtmConfigError(`driver ${NAME}: ${FRONT_PORT} must be a port, not ${JSON.stringify(text)}`);
}

function instanceOf(target: string, serviceToken: string): PolarisInstance {
  try {
    const { scheme, hosts, path, query } = parseRegistryUrl(target);
    const [host, ...others] = hosts;
    const namespace = query.get('namespace');
    if (scheme !== 'polaris' || !host || others.length > 0 || !namespace) {
      throw new DtmArgumentError('a namespace, and one address that others can call, are needed');
    }
    return {
      ...parseEndpoint(formatHostPort(host), NAME),
      name: parseServiceName(path, 'the service in the target'),
      namespace: parseServiceName(namespace, 'the namespace in the target'),
      serviceToken,
      ttlSeconds: TTL_SECONDS,
    };
  } catch (error) {
    throw new DtmConfigError(`driver ${NAME}: the target is written ${TARGET}; ${errorText(error)}`, { cause: error });
  }
}
