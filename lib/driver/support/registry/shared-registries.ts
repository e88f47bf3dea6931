import type { DriverRegistration, RegisterOptions } from '../../driver.js';
import type { Registry, RegistryListener } from './registry.js';

/**
 * Clients of registries, one for each location. A client is opened with its first use and closed with its last.
 *
 * @typeParam Location - identifies a registry, and says how it is reached; plain data
 */
export class SharedRegistries<Location, Instance, Service, Entry> {
  readonly #open: (location: Location) => Registry<Instance, Service, Entry>;
  readonly #used = new Map<string, { registry: Registry<Instance, Service, Entry>; users: number }>();

  /** @param open - creates the client of a location */
  constructor(open: (location: Location) => Registry<Instance, Service, Entry>) {
    this.#open = open;
  }

  /** {@link Registry.register} at a location. */
  async register(location: Location, instance: Instance, options?: RegisterOptions): Promise<DriverRegistration> {
    const { registry, release } = this.#use(location);
    const registration = await registry.register(instance, options).catch((error: unknown) => {
      release();
      throw error;
    });
    let closing: Promise<void> | undefined;
    return {
      get problem() {
        return registration.problem;
      },
      close: () => (closing ??= registration.close().finally(release)),
    };
  }

  /** {@link Registry.watch} at a location. */
  watch(location: Location, service: Service, listener: RegistryListener<Entry>): () => void {
    const { registry, release } = this.#use(location);
    const stop = registry.watch(service, listener);
    return () => {
      stop();
      release();
    };
  }

  #use(location: Location): { registry: Registry<Instance, Service, Entry>; release: () => void } {
    const key = JSON.stringify(location);
    const used = this.#used.get(key) ?? { registry: this.#open(location), users: 0 };
    this.#used.set(key, used);
    used.users += 1;
    let isReleased = false;
    const release = (): void => {
      if (isReleased) return;
      isReleased = true;
      used.users -= 1;
      if (used.users > 0) return;
      this.#used.delete(key);
      used.registry.close();
    };
    return { registry: used.registry, release };
  }
}
