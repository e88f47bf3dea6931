/**
 * The driver of ego.
 *
 * @module nestjs-dtm/driver/ego
 */
export { egoDriver, type EgoOptions } from './ego-driver.js';
export type { EtcdOptions } from '../support/registry/etcd/etcd-options.js';
export type { K8sOptions } from '../support/registry/k8s/k8s-endpoints.js';
export type { RegistryTls } from '../support/registry/registry-tls.js';
