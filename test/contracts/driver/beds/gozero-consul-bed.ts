import { goZeroDriver } from 'nestjs-dtm/driver/gozero';
import type { ConsulServer } from '../../../services/consul.mjs';
import type { DriverBed } from '../driver-bed.js';
import { putInConsul } from '../put-in-consul.js';

/** go-zero's driver on consul. */
export function goZeroConsulBed(server: ConsulServer): DriverBed {
  const address = (service: string): string => `consul://${server.host}:${server.port}/${service}`;
  return {
    server,
    over: 'grpc',
    driver: () => goZeroDriver(),
    registration: (service, endpoint) => ({ target: address(service), endpoint }),
    address,
    spoil: async (service) => {
      // consul takes no port, and no address: the latter is that of its node
      await putInConsul(server, { ID: `${service}-1`, Name: service, Address: '127.0.0.1', Port: 0 });
      await putInConsul(server, { ID: `${service}-2`, Name: service, Address: 'no address', Port: 1 });
      // is not healthy
      const Check = { TTL: '60s', Status: 'critical' };
      await putInConsul(server, { ID: `${service}-3`, Name: service, Address: '127.0.0.1', Port: 1, Check });
    },
  };
}
