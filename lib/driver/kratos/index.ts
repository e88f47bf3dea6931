/**
 * The driver of kratos.
 *
 * @module nestjs-dtm/driver/kratos
 */
export { kratosDriver, type KratosOptions } from './kratos-driver.js';
export type { ConsulOptions } from '../support/registry/consul/consul-options.js';
export type { EtcdOptions } from '../support/registry/etcd/etcd-options.js';
export type { RegistryTls } from '../support/registry/registry-tls.js';
