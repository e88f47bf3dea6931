import { DtmConfigError } from '../../../protocol/internal.js';
import { isUnspecifiedHost, parseHostPort, type HostPort } from '../../../support/host-port.js';

/**
 * Parses the address that a service is registered with.
 *
 * @param endpoint - `host:port`
 * @param driver - names the driver in the message
 * @throws DtmConfigError when others cannot call it
 */
export function parseEndpoint(endpoint: string, driver: string): HostPort {
  const address = parseHostPort(endpoint);
  if (address && !isUnspecifiedHost(address.host)) return address;
  throw new DtmConfigError(
    `driver ${driver}: the endpoint ${JSON.stringify(endpoint)} is not an address that others can call; expected host:port, e.g. bank:50051`,
  );
}
