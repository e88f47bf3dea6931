import { formatHostPort, parseHostPort } from '../../support/host-port.js';
import type { DriverRegistration, RegisterOptions } from '../driver.js';
import type { Address } from '../support/lookup/address.js';
import type { AddressListener, AddressSource, GrpcTarget } from '../support/lookup/grpc-resolver/address-source.js';
import {
  PolarisRegistry,
  type PolarisEntry,
  type PolarisInstance,
  type PolarisService,
} from '../support/registry/polaris/polaris-registry.js';
import { parseRegistryUrl } from '../support/registry/registry-url.js';
import { SharedRegistries } from '../support/registry/shared-registries.js';
import { warnOnce } from '../support/tools/warn-once.js';
import { serviceIn } from './polaris-url.js';

const warn = warnOnce('DTM_POLARIS_ENTRY');

/** Services in Polaris. */
export class PolarisAddresses implements AddressSource {
  readonly #servers: () => string;
  readonly #registries: SharedRegistries<PolarisInstance, PolarisService, PolarisEntry>;

  /**
   * @param servers - of Polaris, separated by commas
   * @param token - of a user of Polaris, where it asks for one
   */
  constructor(servers: () => string, token?: string) {
    this.#servers = servers;
    this.#registries = new SharedRegistries(
      (hosts) => new PolarisRegistry(parseRegistryUrl(`polaris://${hosts}`).hosts, token),
    );
  }

  check(target: GrpcTarget): void {
    serviceIn(target);
  }

  watch(target: GrpcTarget, listener: AddressListener): () => void {
    return this.#registries.watch(this.#servers(), serviceIn(target), {
      failed: (reason) => listener.failed(reason),
      found: (entries) => listener.found(inService(entries).flatMap((entry) => addressOf(entry, target) ?? [])),
    });
  }

  /**
   * Enters an instance.
   *
   * @param instance - with its service
   * @param options - who is told of problems
   */
  register(instance: PolarisInstance, options?: RegisterOptions): Promise<DriverRegistration> {
    return this.#registries.register(this.#servers(), instance, options);
  }
}

/** Those that are well; when none is, perhaps it is the network that is not, and those that are ill are better than nobody. */
function inService(entries: readonly PolarisEntry[]): readonly PolarisEntry[] {
  const all = entries.filter(({ isIsolated, weight }) => !isIsolated && weight > 0);
  const well = all.filter(({ isHealthy }) => isHealthy);
  return well.length > 0 ? well : all;
}

function addressOf({ host, port, weight }: PolarisEntry, { authority }: GrpcTarget): Address | undefined {
  const address = parseHostPort(formatHostPort({ host, port }));
  if (address) return { ...address, weight };
  warn(`Polaris: ${JSON.stringify(`${host}:${port}`)} of ${authority} is no address; it is left out`);
  return undefined;
}
