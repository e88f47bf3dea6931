import type { DriverRegistration, RegisterOptions } from '../../driver.js';

/** Receives the entries of one service. */
export interface RegistryListener<Entry> {
  /**
   * Receives the current entries, which replace all earlier ones.
   *
   * @param entries - all entries; empty when none is registered
   */
  found(entries: readonly Entry[]): void;
  /**
   * Receives the reason why the registry cannot be read. The client retries.
   *
   * @param reason - for the error of whatever waits for entries
   */
  failed(reason: string): void;
}

/**
 * The client of a service registry. Its types are those of the registry's API; a driver decides what a framework writes and
 * reads. The client is connected while something is registered or watched.
 *
 * @typeParam Instance - what is registered
 * @typeParam Service - what is watched
 * @typeParam Entry - what is found
 */
export interface Registry<Instance, Service, Entry> {
  /** Registers an instance and keeps it registered. Resolves after the first attempt. */
  register(instance: Instance, options?: RegisterOptions): Promise<DriverRegistration>;
  /**
   * Reports the entries of a service, and again after each change. A failure is reported and retried.
   *
   * @returns stops the reports
   */
  watch(service: Service, listener: RegistryListener<Entry>): () => void;
  /** Closes the connections, when nothing is registered or watched any more. */
  close(): void;
}
