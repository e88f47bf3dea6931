import { spongeDriver } from 'nestjs-dtm/driver/sponge';
import type { ConsulServer } from '../../../services/consul.mjs';
import type { DriverBed } from '../driver-bed.js';
import { discoveryBed, spoilInConsul } from './discovery-bed.js';

/** sponge's driver on consul. */
export function spongeConsulBed(server: ConsulServer): DriverBed {
  const registry = `consul://${server.host}:${server.port}`;
  return {
    ...discoveryBed(server, registry, () => spongeDriver({ registry })),
    spoil: (service) => spoilInConsul(server, service),
  };
}
