/**
 * The driver of go-zero.
 *
 * @module nestjs-dtm/driver/gozero
 */
export { goZeroDriver, type GoZeroOptions } from './go-zero-driver.js';
export type { ConsulOptions } from '../support/registry/consul/consul-options.js';
export type { EtcdOptions } from '../support/registry/etcd/etcd-options.js';
export type { K8sOptions } from '../support/registry/k8s/k8s-endpoints.js';
export type { NacosOptions } from '../support/registry/nacos/nacos-options.js';
export type { RegistryTls } from '../support/registry/registry-tls.js';
