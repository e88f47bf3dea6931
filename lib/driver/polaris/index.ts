/**
 * The driver of Polaris.
 *
 * @module nestjs-dtm/driver/polaris
 */
export { polarisDriver, type PolarisOptions } from './polaris-driver.js';
