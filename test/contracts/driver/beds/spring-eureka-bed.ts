import { springCloudDriver } from 'nestjs-dtm/driver/springcloud';
import type { EurekaServer } from '../../../services/eureka.mjs';
import type { DriverBed } from '../driver-bed.js';
import { putInEureka } from '../put-in-eureka.js';

/** The driver of Spring Cloud on Eureka, with shorter intervals than by default. */
export function springEurekaBed(server: EurekaServer): DriverBed {
  return {
    server,
    protocol: 'http',
    driver: () => springCloudDriver({ eureka: { serviceUrls: [server.url], pollSeconds: 1, heartbeatSeconds: 1 } }),
    registration: (service, endpoint) => ({
      target: JSON.stringify({ Addr: server.url, Type: 'eureka', InstanceConfig: { ServiceName: service } }),
      endpoint,
    }),
    address: (service) => `eureka://${service}/in`,
    writeMalformed: (service) => putInEureka(server, service, 'no address'),
  };
}
