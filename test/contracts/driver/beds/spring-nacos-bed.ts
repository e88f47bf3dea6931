import { springCloudDriver } from 'nestjs-dtm/driver/springcloud';
import type { NacosServer } from '../../../services/nacos.mjs';
import type { DriverBed } from '../driver-bed.js';
import { putInNacos } from '../put-in-nacos.js';

/** The driver of Spring Cloud on Nacos. */
export function springNacosBed(server: NacosServer): DriverBed {
  const hosts = `${server.host}:${server.port}`;
  return {
    server,
    protocol: 'http',
    driver: () => springCloudDriver({ nacos: { hosts } }),
    registration: (service, endpoint) => ({
      target: JSON.stringify({ Addr: hosts, Type: 'nacos', InstanceConfig: { ServiceName: service } }),
      endpoint,
    }),
    address: (service) => `nacos://${service}/in`,
    writeMalformed: (service) => putInNacos(server, service, 'no address'),
  };
}
