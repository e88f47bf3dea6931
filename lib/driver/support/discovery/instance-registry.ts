import type { DriverRegistration, RegisterOptions } from '../../driver.js';
import type { AddressListener } from '../lookup/grpc-resolver/address-source.js';
import type { InstanceEndpoints, ServiceInstance } from './service-instance.js';

/** A registry, as kratos and sponge use it. */
export interface InstanceRegistry {
  /**
   * Enters an instance.
   *
   * @param instance - the instance
   * @param endpoints - its endpoints, taken apart
   * @param options - who is told of problems
   */
  register(
    instance: ServiceInstance,
    endpoints: InstanceEndpoints,
    options?: RegisterOptions,
  ): Promise<DriverRegistration>;
  /**
   * Reports the addresses of gRPC of a service, and again each time they change.
   *
   * @param service - its name
   * @param listener - is told
   * @returns stops it
   */
  watch(service: string, listener: AddressListener): () => void;
}
