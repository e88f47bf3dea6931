/**
 * The driver of sponge.
 *
 * @module nestjs-dtm/driver/sponge
 */
export { spongeDriver, type SpongeOptions } from './sponge-driver.js';
export type { ConsulOptions } from '../support/registry/consul/consul-options.js';
export type { EtcdOptions } from '../support/registry/etcd/etcd-options.js';
export type { NacosOptions } from '../support/registry/nacos/nacos-options.js';
export type { RegistryTls } from '../support/registry/registry-tls.js';
