import type { DriverRegistration, RegisterOptions } from '../../driver.js';

/** What {@link Registry.watch} reports to. */
export interface RegistryListener<Entry> {
  /**
   * What stands in the registry now; what was reported before is replaced.
   *
   * @param entries - all of them; empty when there is none at present
   */
  found(entries: readonly Entry[]): void;
  /**
   * The registry could not be asked; it is tried again.
   *
   * @param reason - for the error of whoever waits for entries
   */
  failed(reason: string): void;
}

/**
 * A registry of services, as its API presents it: what is written and found is the registry's own; what frameworks make of it
 * is up to their drivers. It is connected to while something is registered or watched, over one connection where the registry
 * allows that.
 *
 * @typeParam Instance - what is registered
 * @typeParam Service - what is looked for
 * @typeParam Entry - what is found
 */
export interface Registry<Instance, Service, Entry> {
  /**
   * Enters an instance and keeps it there: lost entries are made again. Resolves after the first attempt.
   *
   * @param instance - what is entered
   * @param options - who is told what keeps it from standing there
   */
  register(instance: Instance, options?: RegisterOptions): Promise<DriverRegistration>;
  /**
   * Reports the entries of a service, and again each time they change. What goes wrong is reported and tried again.
   *
   * @param service - what is looked for
   * @param listener - is told
   * @returns stops it
   */
  watch(service: Service, listener: RegistryListener<Entry>): () => void;
  /** Ends its connections, when nothing is registered or watched any more. */
  close(): void;
}
