/**
 * The driver of Polaris.
 *
 * @module nestjs-dtm/driver/polaris
 */
export { acceptEmptyAuthority } from '../../support/empty-authority/accept-empty-authority.js';
export { polarisDriver, type PolarisOptions } from './polaris-driver.js';
