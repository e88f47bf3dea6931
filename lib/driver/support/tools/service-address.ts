import { formatHostPort, parseHostPort, type HostPort } from '../../../support/host-port.js';

/** Address of an instance of a service. */
export interface ServiceAddress extends HostPort {
  /** Share of the calls among the instances of a service, where calls are shared by weight. @default 1 */
  readonly weight?: number | undefined;
  /** Whether the port serves TLS, as far as the registry knows. @default unknown */
  readonly secure?: boolean | undefined;
}

/**
 * Checks a host and a port that a registry has returned.
 *
 * @returns undefined when they are not an address
 */
export function parseAddress(host: string, port: number): HostPort | undefined {
  return parseHostPort(formatHostPort({ host, port }));
}
