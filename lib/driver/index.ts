export { defaultDriver } from './default/default-driver.js';
export type { DriverRegistration, DtmDriver } from './driver.js';
export { resolveDriver } from './resolve-driver.js';
