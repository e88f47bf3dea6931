/**
 * Services of sponge.
 *
 * @module nestjs-dtm/driver/sponge
 */
export { spongeDriver, type SpongeOptions } from './sponge-driver.js';
export type { ConsulOptions } from '../registry/consul/consul-registry.js';
export type { EtcdOptions } from '../registry/etcd/etcd-registry.js';
export type { NacosOptions } from '../registry/nacos/nacos-options.js';
export type { RegistryTls } from '../registry/registry-tls.js';
