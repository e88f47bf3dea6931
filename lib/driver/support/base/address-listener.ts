import type { RegistryListener } from '../registry/registry.js';
import type { ServiceAddress } from '../tools/service-address.js';
import type { AddressListener } from '../lookup/address-source.js';

/**
 * Creates the listener of a registry that passes on the addresses of its entries.
 *
 * @param addressesOf - the addresses of all entries
 */
export function addressListener<Entry>(
  listener: AddressListener,
  addressesOf: (entries: readonly Entry[]) => readonly ServiceAddress[],
): RegistryListener<Entry> {
  return {
    failed: (reason) => listener.failed(reason),
    found: (entries) => listener.found(addressesOf(entries)),
  };
}
