import { polarisDriver } from 'nestjs-dtm/driver/polaris';
import type { PolarisServer } from '../../../services/polaris.mjs';
import type { DriverBed } from '../driver-bed.js';

/** The driver of Polaris. */
export function polarisBed(server: PolarisServer): DriverBed {
  return {
    server,
    protocol: 'grpc',
    driver: () => polarisDriver({ servers: [`${server.host}:${server.grpcPort}`] }),
    registration: (service, address) => ({ target: `polaris://${address}/${service}?namespace=default`, endpoint: '' }),
    address: (service) => `polaris://${service}/?namespace=default`,
  };
}
