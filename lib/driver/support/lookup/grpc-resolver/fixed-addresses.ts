import { DtmArgumentError } from '../../../../protocol/internal.js';
import { parseHostPort } from '../../../../support/host-port.js';
import { redactUrls } from '../../../../support/redact-urls.js';
import type { Address } from '../address.js';
import type { AddressSource, GrpcTarget } from './address-source.js';

/** Fixed addresses that stand in the target itself, `direct:///host:port,host:port`. */
export const fixedAddresses: AddressSource = {
  check: (target) => void addressesIn(target),
  watch(target, listener) {
    listener.found(addressesIn(target));
    return () => undefined;
  },
};

function addressesIn({ scheme, authority, path }: GrpcTarget): readonly Address[] {
  const addresses = path.split(',').map(parseHostPort);
  const found = addresses.filter((address) => address !== undefined);
  if (authority === '' && found.length === addresses.length) return found;
  const url = redactUrls(`${scheme}://${authority}/${path}`);
  throw new DtmArgumentError(`bad address: '${url}'. fixed addresses are written ${scheme}:///host:port,host:port`);
}
