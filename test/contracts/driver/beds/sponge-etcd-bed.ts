import { spongeDriver } from 'nestjs-dtm/driver/sponge';
import type { EtcdServer } from '../../../services/etcd.mjs';
import type { DriverBed } from '../driver-bed.js';
import { discoveryBed, writeMalformedToEtcd } from './discovery-bed.js';

/** The driver of sponge on etcd. */
export function spongeEtcdBed(server: EtcdServer): DriverBed {
  const registry = `etcd://${server.host}:${server.port}`;
  return {
    ...discoveryBed(server, registry, () => spongeDriver({ registry })),
    writeMalformed: (service) => writeMalformedToEtcd(server, service),
  };
}
