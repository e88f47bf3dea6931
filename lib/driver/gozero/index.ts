/**
 * Services of go-zero.
 *
 * @module nestjs-dtm/driver/gozero
 */
export { goZeroDriver, type GoZeroOptions } from './go-zero-driver.js';
export type { ConsulOptions } from '../registry/consul/consul-registry.js';
export type { EtcdOptions } from '../registry/etcd/etcd-registry.js';
export type { RegistryTls } from '../registry/registry-tls.js';
export type { NacosOptions } from '../registry/nacos/nacos-options.js';
export type { K8sOptions } from '../registry/k8s/k8s-endpoints.js';
