/*
 * Exports of the drivers for other folders of this package: the exports for authors of drivers, and more. Only
 * `index.ts` is public.
 */
export * from './index.js';
export { BUILT_IN_DRIVERS, isBuiltInDriver, listDriversOfScheme, mayServeScheme } from './built-in-drivers.js';
export { prepareService } from './support/base/prepare-service.js';
