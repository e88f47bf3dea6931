/**
 * Services of go-zero.
 *
 * @module nestjs-dtm/driver/gozero
 */
export { goZeroDriver, type GoZeroOptions } from './go-zero-driver.js';
export type { EtcdOptions, EtcdTls } from '../registry/etcd/etcd-registry.js';
