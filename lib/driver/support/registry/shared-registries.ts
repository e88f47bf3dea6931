import type { DriverRegistration, RegisterOptions } from '../../driver.js';
import type { Registry, RegistryListener } from './registry.js';

/** Connects to a registry while somebody needs it, once for all who do. */
export class SharedRegistries<Instance, Service, Entry> {
  readonly #open: (address: string) => Registry<Instance, Service, Entry>;
  readonly #used = new Map<string, { registry: Registry<Instance, Service, Entry>; users: number }>();

  /** @param open - makes the client of the registry at an address; it connects with its first use */
  constructor(open: (address: string) => Registry<Instance, Service, Entry>) {
    this.#open = open;
  }

  /**
   * {@link Registry.register} in the registry at an address.
   *
   * @param address - which registry
   * @param instance - what is entered
   * @param options - who is told of problems
   */
  async register(address: string, instance: Instance, options?: RegisterOptions): Promise<DriverRegistration> {
    const { registry, release } = this.#use(address);
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

  /**
   * {@link Registry.watch} in the registry at an address.
   *
   * @param address - which registry
   * @param service - what is looked for
   * @param listener - is told
   */
  watch(address: string, service: Service, listener: RegistryListener<Entry>): () => void {
    const { registry, release } = this.#use(address);
    const stop = registry.watch(service, listener);
    return () => {
      stop();
      release();
    };
  }

  #use(address: string): { registry: Registry<Instance, Service, Entry>; release: () => void } {
    const used = this.#used.get(address) ?? { registry: this.#open(address), users: 0 };
    this.#used.set(address, used);
    used.users += 1;
    let isReleased = false;
    const release = (): void => {
      if (isReleased) return;
      isReleased = true;
      used.users -= 1;
      if (used.users > 0) return;
      this.#used.delete(address);
      used.registry.close();
    };
    return { registry: used.registry, release };
  }
}
