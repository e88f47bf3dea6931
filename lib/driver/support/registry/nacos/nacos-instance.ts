import type { HostPort } from '../../../../support/host-port.js';
import type { ServiceAddress } from '../../tools/service-address.js';

/** An instance to register. */
export interface NacosInstance extends NacosName {
  /** Address of the instance; Nacos stores the host as it is. */
  readonly address: HostPort;
  /** Cluster of the instance. @default 'DEFAULT' */
  readonly cluster?: string | undefined;
  /** Share of the calls. @default 1 */
  readonly weight?: number | undefined;
  /** Whether the instance is found. @default true */
  readonly enabled?: boolean | undefined;
  /** Whether the instance is healthy from the start. @default true */
  readonly healthy?: boolean | undefined;
  /** Whether the instance lives by its beats; otherwise it stays until it is deregistered. @default true */
  readonly ephemeral?: boolean | undefined;
  /** Metadata. @default none */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** Name of a service. */
export interface NacosName {
  /** The name without its group. */
  readonly service: string;
  /** The group. @default 'DEFAULT_GROUP' */
  readonly group?: string | undefined;
}

/** A service to look up. */
export interface NacosService extends NacosName {
  /** The clusters of its instances. @default all clusters */
  readonly clusters?: readonly string[] | undefined;
}

/** An instance that was found: healthy, enabled, and with a weight above 0. */
export interface NacosEntry {
  /** Address with weight. */
  readonly address: ServiceAddress;
  /** Metadata. @default none */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** The answer to a request for the instances of a service. */
export interface NacosList {
  /** The instances, not parsed yet. */
  readonly hosts: unknown;
  /** How long the list is valid. @default unknown */
  readonly cacheMs?: number | undefined;
}

/** One version of Nacos' HTTP API. */
export interface NacosApi {
  /** Registers an instance, or updates it. */
  register(instance: NacosInstance): Promise<void>;
  /**
   * Sends the beat of an instance.
   *
   * @returns the time until the next beat in ms; undefined when Nacos does not know the instance
   */
  beat(instance: NacosInstance): Promise<number | undefined>;
  /** Deregisters an instance. */
  deregister(instance: NacosInstance): Promise<void>;
  /** Lists the instances of a service. */
  list(service: NacosService, signal: AbortSignal): Promise<NacosList>;
}

/** The group of a service without one. */
export const DEFAULT_GROUP = 'DEFAULT_GROUP';

/** The default time between two beats. */
export const BEAT_MS = 5000;

/** The time between two beats until Nacos answers another one. All clients of Nacos read the same key of the metadata. */
export function beatMsOf({ metadata }: NacosInstance): number {
  const wanted = Number(metadata?.['preserved.heart.beat.interval']);
  return wanted > 0 ? wanted : BEAT_MS;
}
