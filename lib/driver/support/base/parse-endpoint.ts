import { DtmConfigError } from '../../../protocol/internal.js';
import { isUnspecifiedHost, parseHostPort } from '../../../support/host-port.js';
import type { Address } from '../lookup/address.js';

/**
 * Checks the address under which others reach a service.
 *
 * @param endpoint - `host:port`
 * @param driver - names it in the message
 * @throws DtmConfigError when it is none
 */
export function parseEndpoint(endpoint: string, driver: string): Address {
  const address = parseHostPort(endpoint);
  if (address && !isUnspecifiedHost(address.host)) return address;
  throw new DtmConfigError(
    `driver ${driver}: the endpoint ${JSON.stringify(endpoint)} is no address that others can call; give host:port, e.g. bank:50051`,
  );
}
