/**
 * The driver of Spring Cloud, with Nacos or Eureka.
 *
 * @module nestjs-dtm/driver/springcloud
 */
export {
  springCloudDriver,
  type SpringCloudOptions,
  type SpringEureka,
  type SpringNacos,
} from './spring-cloud-driver.js';
export type { EurekaOptions } from '../support/registry/eureka/eureka-options.js';
export type { NacosOptions } from '../support/registry/nacos/nacos-options.js';
export type { RegistryTls } from '../support/registry/registry-tls.js';
