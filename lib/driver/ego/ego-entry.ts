import { parseHostPort } from '../../support/host-port.js';
import type { Address } from '../support/lookup/address.js';

/**
 * Where the entries of a service begin in etcd: its instances, and the settings that ego keeps beside them.
 *
 * @param service - its name
 */
export function egoPrefix(service: string): string {
  return `/ego/${service}/`;
}

/**
 * Key of an instance in etcd.
 *
 * @param service - its name
 * @param endpoint - `host:port`
 */
export function egoKey(service: string, endpoint: string): string {
  return `${egoPrefix(service)}providers/grpc://${endpoint}`;
}

/**
 * An instance as ego writes it.
 *
 * @param service - its name
 * @param endpoint - `host:port`
 * @param startedAt - of the process
 */
export function egoValue(service: string, endpoint: string, startedAt: Date): string {
  return JSON.stringify({
    name: service,
    scheme: 'grpc',
    address: endpoint,
    weight: 100,
    enable: true,
    healthy: true,
    // sorted, as Go writes maps; there is no ego here whose version could be told
    metadata: {
      appHost: '',
      appMode: '',
      appVersion: '',
      buildTime: '',
      egoVersion: '',
      // 2026-11-22 23:47:44, which is how Sweden writes it
      startTime: startedAt.toLocaleString('sv'),
    },
    region: '',
    zone: '',
    kind: 1,
    deployment: '',
    group: '',
    services: null,
  });
}

/** What {@link readEgoEntry} found. */
export type EgoFound =
  | { readonly kind: 'instance'; readonly address: Address }
  | { readonly kind: 'out of service' | 'setting' | 'malformed' };

/**
 * Reads what stands below the {@link egoPrefix} of a service.
 *
 * @param service - its name
 * @param key - of the entry
 * @param value - of the entry
 */
export function readEgoEntry(service: string, key: string, value: string): EgoFound {
  // configurators, and servers of other protocols
  if (!key.startsWith(`${egoPrefix(service)}providers/grpc://`)) return { kind: 'setting' };
  try {
    const { address, enable, healthy } = JSON.parse(value) as {
      readonly address?: unknown;
      readonly enable?: unknown;
      readonly healthy?: unknown;
    };
    const found = typeof address === 'string' ? parseHostPort(address) : undefined;
    if (!found) return { kind: 'malformed' };
    return enable === false || healthy === false ? { kind: 'out of service' } : { kind: 'instance', address: found };
  } catch {
    return { kind: 'malformed' };
  }
}
