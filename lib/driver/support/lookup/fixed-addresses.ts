import { DtmArgumentError } from '../../../protocol/internal.js';
import { parseHostPort } from '../../../support/host-port.js';
import { redactUrls } from '../../../support/redact-urls.js';
import type { ServiceAddress } from '../tools/service-address.js';
import type { AddressSource, GrpcTarget, WatchAddresses } from './address-source.js';

/** Reports addresses that never change. */
export function watchFixed(addresses: readonly ServiceAddress[]): WatchAddresses {
  return (listener) => {
    listener.found(addresses);
    return () => undefined;
  };
}

/** Addresses that stand in the target itself, `direct:///host:port,host:port`. */
export const fixedAddresses: AddressSource = { parse: (target) => watchFixed(parseTarget(target)) };

function parseTarget({ scheme, authority, path }: GrpcTarget): readonly ServiceAddress[] {
  const addresses = path.split(',').map(parseHostPort);
  const valid = addresses.filter((address) => address !== undefined);
  if (authority === '' && valid.length === addresses.length) return valid;
  const url = redactUrls(`${scheme}://${authority}/${path}`);
  throw new DtmArgumentError(
    `address '${url}' is invalid: expected fixed addresses as ${scheme}:///host:port,host:port`,
  );
}
