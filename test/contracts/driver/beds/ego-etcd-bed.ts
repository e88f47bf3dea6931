import { egoDriver } from 'nestjs-dtm/driver/ego';
import type { EtcdServer } from '../../../services/etcd.mjs';
import type { DriverBed } from '../driver-bed.js';
import { putInEtcd } from '../put-in-etcd.js';

/** The driver of ego on etcd. */
export function egoEtcdBed(server: EtcdServer): DriverBed {
  const registry = `etcd://${server.host}:${server.port}`;
  return {
    server,
    protocol: 'grpc',
    driver: () => egoDriver({ registry }),
    registration: (service, endpoint) => ({ target: `${registry}/${service}`, endpoint }),
    address: (service) => `etcd:///${service}`,
    writeMalformed: async (service) => {
      const entry = (address: string): string => JSON.stringify({ name: service, scheme: 'grpc', address });
      await putInEtcd(server, `/ego/${service}/providers/grpc://1`, 'no JSON');
      await putInEtcd(server, `/ego/${service}/providers/grpc://2`, entry('127.0.0.1:99999'));
      await putInEtcd(server, `/ego/${service}/providers/grpc://3`, 'null');
      await putInEtcd(server, `/ego/${service}/configurators/grpc://127.0.0.1:1/routes/x`, entry('127.0.0.1:1'));
    },
  };
}
