import { goZeroDriver } from 'nestjs-dtm/driver/gozero';
import type { EtcdServer } from '../../../services/etcd.mjs';
import type { DriverBed } from '../driver-bed.js';
import { putInEtcd } from '../put-in-etcd.js';

/** The driver of go-zero on etcd. */
export function goZeroEtcdBed(server: EtcdServer): DriverBed {
  const address = (service: string): string => `etcd://${server.host}:${server.port}/${service}`;
  return {
    server,
    protocol: 'grpc',
    driver: () => goZeroDriver(),
    registration: (service, endpoint) => ({ target: address(service), endpoint }),
    address,
    writeMalformed: async (service) => {
      await putInEtcd(server, `${service}/1`, 'no address');
      await putInEtcd(server, `${service}/2`, '127.0.0.1:99999');
    },
  };
}
