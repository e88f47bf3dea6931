import { kratosDriver } from 'nestjs-dtm/driver/kratos';
import type { EtcdServer } from '../../../services/etcd.mjs';
import type { DriverBed } from '../driver-bed.js';
import { discoveryBed, writeMalformedToEtcd } from './discovery-bed.js';

/** The driver of kratos on etcd. */
export function kratosEtcdBed(server: EtcdServer): DriverBed {
  const registry = `etcd://${server.host}:${server.port}`;
  return {
    ...discoveryBed(server, registry, () => kratosDriver({ registry })),
    writeMalformed: (service) => writeMalformedToEtcd(server, service),
  };
}
