import { goZeroDriver } from 'nestjs-dtm/driver/gozero';
import type { NacosServer } from '../../../services/nacos.mjs';
import type { DriverBed } from '../driver-bed.js';
import { putInNacos } from '../put-in-nacos.js';

/** The driver of go-zero on Nacos. */
export function goZeroNacosBed(server: NacosServer): DriverBed {
  const address = (service: string): string => `nacos://${server.host}:${server.port}/${service}`;
  return {
    server,
    protocol: 'grpc',
    driver: () => goZeroDriver(),
    registration: (service, endpoint) => ({
      target: `${address(service)}?namespaceId=public&notLoadCacheAtStart=true`,
      endpoint,
    }),
    address,
    writeMalformed: (service) => putInNacos(server, service, 'no address'),
  };
}
