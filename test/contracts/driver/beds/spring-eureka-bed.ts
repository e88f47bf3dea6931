import { springCloudDriver } from 'nestjs-dtm/driver/springcloud';
import type { EurekaServer } from '../../../services/eureka.mjs';
import type { DriverBed } from '../driver-bed.js';
import { putInEureka } from '../put-in-eureka.js';

/** Spring Cloud's driver on Eureka; its clients report more often than they would by themselves. */
export function springEurekaBed(server: EurekaServer): DriverBed {
  return {
    server,
    over: 'http',
    driver: () => springCloudDriver({ eureka: { serviceUrls: [server.url], pollSeconds: 1, heartbeatSeconds: 1 } }),
    registration: (service, endpoint) => ({
      target: JSON.stringify({ Addr: server.url, Type: 'eureka', InstanceConfig: { ServiceName: service } }),
      endpoint,
    }),
    address: (service) => `eureka://${service}/in`,
    spoil: (service) => putInEureka(server, service, 'no address'),
  };
}
