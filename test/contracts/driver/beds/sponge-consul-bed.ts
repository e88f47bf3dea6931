import { spongeDriver } from 'nestjs-dtm/driver/sponge';
import type { ConsulServer } from '../../../services/consul.mjs';
import type { DriverBed } from '../driver-bed.js';
import { discoveryBed, writeMalformedToConsul } from './discovery-bed.js';

/** The driver of sponge on Consul. */
export function spongeConsulBed(server: ConsulServer): DriverBed {
  const registry = `consul://${server.host}:${server.port}`;
  return {
    ...discoveryBed(server, registry, () => spongeDriver({ registry })),
    writeMalformed: (service) => writeMalformedToConsul(server, service),
  };
}
