import type { HostPort } from '../../support/host-port.js';
import type { DriverRegistration, RegisterOptions } from '../driver.js';
import { parseAddress, type ServiceAddress } from '../support/tools/service-address.js';
import { addressListener } from '../support/base/address-listener.js';
import type { AddressSource, GrpcTarget, WatchAddresses } from '../support/lookup/address-source.js';
import {
  PolarisRegistry,
  type PolarisEntry,
  type PolarisInstance,
  type PolarisService,
} from '../support/registry/polaris/polaris-registry.js';
import { SharedRegistries } from '../support/registry/shared-registries.js';
import { warnOnce } from '../support/tools/warn-once.js';
import { parsePolarisTarget } from './polaris-url.js';

const warn = warnOnce('DTM_POLARIS_ENTRY');

/** Services in Polaris. */
export class PolarisAddresses implements AddressSource {
  readonly #servers: () => readonly HostPort[];
  readonly #registries: SharedRegistries<readonly HostPort[], PolarisInstance, PolarisService, PolarisEntry>;

  /**
   * @param servers - servers of Polaris
   * @param token - token of a user of Polaris. @default none
   */
  constructor(servers: () => readonly HostPort[], token?: string) {
    this.#servers = servers;
    this.#registries = new SharedRegistries((hosts) => new PolarisRegistry(hosts, token));
  }

  parse(target: GrpcTarget): WatchAddresses {
    const service = parsePolarisTarget(target);
    return (listener) =>
      this.#registries.watch(
        this.#servers(),
        service,
        addressListener(listener, (entries) =>
          callableEntries(entries).flatMap((entry) => addressOf(entry, service.name) ?? []),
        ),
      );
  }

  register(instance: PolarisInstance, options?: RegisterOptions): Promise<DriverRegistration> {
    return this.#registries.register(this.#servers(), instance, options);
  }
}

/** The healthy entries. When no entry is healthy, the network may be at fault, and an unhealthy entry is better than none. */
function callableEntries(entries: readonly PolarisEntry[]): readonly PolarisEntry[] {
  const all = entries.filter(({ isIsolated, weight }) => !isIsolated && weight > 0);
  const healthy = all.filter(({ isHealthy }) => isHealthy);
  return healthy.length > 0 ? healthy : all;
}

function addressOf({ host, port, weight }: PolarisEntry, service: string): ServiceAddress | undefined {
  const address = parseAddress(host, port);
  if (address) return { ...address, weight };
  warn(`Polaris: ${JSON.stringify(`${host}:${port}`)} of ${service} is not an address and is ignored`);
  return undefined;
}
