import { kratosDriver } from 'nestjs-dtm/driver/kratos';
import type { EtcdServer } from '../../../services/etcd.mjs';
import type { DriverBed } from '../driver-bed.js';
import { discoveryBed, spoilInEtcd } from './discovery-bed.js';

/** kratos' driver on etcd. */
export function kratosEtcdBed(server: EtcdServer): DriverBed {
  const registry = `etcd://${server.host}:${server.port}`;
  return {
    ...discoveryBed(server, registry, () => kratosDriver({ registry })),
    spoil: (service) => spoilInEtcd(server, service),
  };
}
