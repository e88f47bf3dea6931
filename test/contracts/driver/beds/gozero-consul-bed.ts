import { goZeroDriver } from 'nestjs-dtm/driver/gozero';
import type { ConsulServer } from '../../../services/consul.mjs';
import type { DriverBed } from '../driver-bed.js';
import { putInConsul } from '../put-in-consul.js';

/** The driver of go-zero on Consul. */
export function goZeroConsulBed(server: ConsulServer): DriverBed {
  const address = (service: string): string => `consul://${server.host}:${server.port}/${service}`;
  return {
    server,
    protocol: 'grpc',
    driver: () => goZeroDriver(),
    registration: (service, endpoint) => ({ target: address(service), endpoint }),
    address,
    writeMalformed: async (service) => {
      // Consul accepts a service without a port, and one without an address gets that of its node
      await putInConsul(server, { ID: `${service}-1`, Name: service, Address: '127.0.0.1', Port: 0 });
      await putInConsul(server, { ID: `${service}-2`, Name: service, Address: 'no address', Port: 1 });
      // an unhealthy instance
      const Check = { TTL: '60s', Status: 'critical' };
      await putInConsul(server, { ID: `${service}-3`, Name: service, Address: '127.0.0.1', Port: 1, Check });
    },
  };
}
