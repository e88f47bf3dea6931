/*
 * What other folders of this package use of the drivers: all that authors of drivers use, and more. Only `index.ts` is public.
 */
export * from './index.js';
export { BUILT_IN_DRIVERS, isBuiltInDriver, listDriversOfScheme, mayServeScheme } from './built-in-drivers.js';
export { prepareService } from './support/base/prepare-service.js';
