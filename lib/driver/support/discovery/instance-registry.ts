import type { DriverRegistration, RegisterOptions } from '../../driver.js';
import type { WatchAddresses } from '../lookup/address-source.js';
import type { InstanceEndpoints, ServiceInstance } from './service-instance.js';

/** A registry as kratos and sponge use it. */
export interface InstanceRegistry {
  /**
   * Registers an instance.
   *
   * @param endpoints - its parsed endpoints
   */
  register(
    instance: ServiceInstance,
    endpoints: InstanceEndpoints,
    options?: RegisterOptions,
  ): Promise<DriverRegistration>;
  /** Watches the gRPC addresses of a service. */
  watch(service: string): WatchAddresses;
}
