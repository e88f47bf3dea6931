import { parseHostPort, type HostPort } from '../../support/host-port.js';

/** The keys of a service in etcd: its instances, and settings of ego. */
export function egoPrefix(service: string): string {
  return `/ego/${service}/`;
}

/** The key of an instance in etcd; the endpoint is `host:port`. */
export function egoKey(service: string, endpoint: string): string {
  return `${egoPrefix(service)}providers/grpc://${endpoint}`;
}

/**
 * The value of an instance, as ego writes it.
 *
 * @param startedAt - start of the process
 */
export function egoValue(service: string, endpoint: string, startedAt: Date): string {
  return JSON.stringify({
    name: service,
    scheme: 'grpc',
    address: endpoint,
    weight: 100,
    enable: true,
    healthy: true,
    // sorted, as Go writes maps; the versions of ego's build are unknown here
    metadata: {
      appHost: '',
      appMode: '',
      appVersion: '',
      buildTime: '',
      egoVersion: '',
      // 2026-11-22 23:47:44, the format of Sweden
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

/** Kind of an entry. */
export type EgoEntry =
  | { readonly kind: 'instance'; readonly address: HostPort }
  | { readonly kind: 'out of service' | 'setting' | 'malformed' };

/** Parses an entry below the {@link egoPrefix} of a service. */
export function parseEgoEntry(service: string, key: string, value: string): EgoEntry {
  // configurators, and servers of other protocols
  if (!key.startsWith(`${egoPrefix(service)}providers/grpc://`)) return { kind: 'setting' };
  try {
    const { address, enable, healthy } = JSON.parse(value) as {
      readonly address?: unknown;
      readonly enable?: unknown;
      readonly healthy?: unknown;
    };
    const parsed = typeof address === 'string' ? parseHostPort(address) : undefined;
    if (!parsed) return { kind: 'malformed' };
    return enable === false || healthy === false ? { kind: 'out of service' } : { kind: 'instance', address: parsed };
  } catch {
    return { kind: 'malformed' };
  }
}
