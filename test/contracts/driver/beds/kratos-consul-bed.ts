import { kratosDriver } from 'nestjs-dtm/driver/kratos';
import type { ConsulServer } from '../../../services/consul.mjs';
import type { DriverBed } from '../driver-bed.js';
import { discoveryBed, spoilInConsul } from './discovery-bed.js';

/** kratos' driver on consul. */
export function kratosConsulBed(server: ConsulServer): DriverBed {
  const registry = `consul://${server.host}:${server.port}`;
  return {
    ...discoveryBed(server, registry, () => kratosDriver({ registry })),
    spoil: (service) => spoilInConsul(server, service),
  };
}
