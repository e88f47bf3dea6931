import { resolveDriver, type DtmDriver } from 'nestjs-dtm/driver';
import { egoDriver } from 'nestjs-dtm/driver/ego';
import { kratosDriver } from 'nestjs-dtm/driver/kratos';
import { polarisDriver } from 'nestjs-dtm/driver/polaris';
import { spongeDriver } from 'nestjs-dtm/driver/sponge';
import { springCloudDriver } from 'nestjs-dtm/driver/springcloud';
import { DRIVER, REGISTRY } from './settings.js';

/** Drivers whose addresses do not name the registry. */
const WITH_REGISTRY: Readonly<Record<string, (registry: string) => DtmDriver>> = {
  'dtm-driver-kratos': (registry) => kratosDriver({ registry }),
  'dtm-driver-sponge': (registry) => spongeDriver({ registry }),
  'dtm-driver-ego': (registry) => egoDriver({ registry }),
  // callers in Go, such as Go dtm, need the proxy; give it a fixed port where a firewall has to open it
  'dtm-driver-polaris': (registry) => polarisDriver({ servers: [withoutScheme(registry)] }),
  'dtm-driver-springcloud': (registry) =>
    registry.startsWith('nacos://')
      ? springCloudDriver({ nacos: { hosts: withoutScheme(registry) } })
      : springCloudDriver({ eureka: { serviceUrls: [registry] } }),
};

/** The driver that the environment names. */
export const driver =
  REGISTRY === undefined ? resolveDriver(DRIVER) : (WITH_REGISTRY[DRIVER]?.(REGISTRY) ?? resolveDriver(DRIVER));

function withoutScheme(url: string): string {
  return url.replace(/^\w+:\/\//, '');
}
