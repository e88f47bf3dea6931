/*
 * Exports of the drivers for other folders of this package: the exports for authors of drivers, and more. Only
 * `index.ts` is public.
 */
export * from './index.js';
export { appAddress, appDriver, isAppUrl, parseAppUrl } from './app/index.js';
export { listDriversOfScheme, mayServeScheme, registersServices } from './built-in-drivers.js';
export { prepareService } from './support/base/prepare-service.js';
