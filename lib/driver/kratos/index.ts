/**
 * Services of kratos.
 *
 * @module nestjs-dtm/driver/kratos
 */
export { kratosDriver, type KratosOptions } from './kratos-driver.js';
export type { ConsulOptions } from '../registry/consul/consul-registry.js';
export type { EtcdOptions } from '../registry/etcd/etcd-registry.js';
export type { RegistryTls } from '../registry/registry-tls.js';
