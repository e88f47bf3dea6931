import { kratosDriver } from 'nestjs-dtm/driver/kratos';
import type { ConsulServer } from '../../../services/consul.mjs';
import type { DriverBed } from '../driver-bed.js';
import { discoveryBed, writeMalformedToConsul } from './discovery-bed.js';

/** The driver of kratos on Consul. */
export function kratosConsulBed(server: ConsulServer): DriverBed {
  const registry = `consul://${server.host}:${server.port}`;
  return {
    ...discoveryBed(server, registry, () => kratosDriver({ registry })),
    writeMalformed: (service) => writeMalformedToConsul(server, service),
  };
}
