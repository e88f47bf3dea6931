import type { Address } from '../../lookup/address.js';

/** An instance that is entered. */
export interface NacosInstance extends NacosName {
  /** Where it is reached; Nacos keeps the host as it is. */
  readonly address: Address;
  /** Its cluster. @default 'DEFAULT' */
  readonly cluster?: string | undefined;
  /** Its share of the calls. @default 1 */
  readonly weight?: number | undefined;
  /** Whether it is found. @default true */
  readonly enabled?: boolean | undefined;
  /** Whether it counts as healthy from the beginning. @default true */
  readonly healthy?: boolean | undefined;
  /** Whether it is there as long as its beats come; one that is not stays until it is taken out. @default true */
  readonly ephemeral?: boolean | undefined;
  /** What others may want to know. @default nothing */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** Name of a service. */
export interface NacosName {
  /** Without its group. */
  readonly service: string;
  /** Its group. @default 'DEFAULT_GROUP' */
  readonly group?: string | undefined;
}

/** What is looked for. */
export interface NacosService extends NacosName {
  /** Only instances of these clusters. @default of all */
  readonly clusters?: readonly string[] | undefined;
}

/** An instance that was found: healthy, enabled, with a weight above 0. */
export interface NacosEntry {
  /** Where it is reached, with its weight. */
  readonly address: Address;
  /** What it says about itself. @default nothing */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** What a list of instances said. */
export interface NacosList {
  /** Instances, as they were answered. */
  readonly hosts: unknown;
  /** How long the list may be taken for true. @default unknown */
  readonly cacheMs?: number | undefined;
}

/** An API of Nacos. */
export interface NacosApi {
  /**
   * Enters an instance, or what has changed of it.
   *
   * @param instance - which one
   */
  register(instance: NacosInstance): Promise<void>;
  /**
   * Says that an instance is alive.
   *
   * @param instance - which one
   * @returns the time until the next beat; undefined when Nacos does not know it
   */
  beat(instance: NacosInstance): Promise<number | undefined>;
  /**
   * Takes an instance out.
   *
   * @param instance - which one
   */
  deregister(instance: NacosInstance): Promise<void>;
  /**
   * All instances of a service.
   *
   * @param service - which one
   * @param signal - ends it early
   */
  list(service: NacosService, signal: AbortSignal): Promise<NacosList>;
}

/** Group where none is given. */
export const DEFAULT_GROUP = 'DEFAULT_GROUP';

/** Beats where nobody says how often. */
export const BEAT_MS = 5000;

/**
 * Time between two beats, as the metadata of an instance ask for it, until Nacos says another one.
 *
 * @param instance - its key for that is the same in all of Nacos' clients
 */
export function beatMsOf({ metadata }: NacosInstance): number {
  const asked = Number(metadata?.['preserved.heart.beat.interval']);
  return asked > 0 ? asked : BEAT_MS;
}
