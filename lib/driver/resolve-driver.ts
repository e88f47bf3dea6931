import type { DtmDriver } from './driver.js';
import { DriverRegistry } from './driver-registry.js';

/**
 * Chooses the driver that a user gave by name or as an object.
 *
 * @param driver - a driver, or the name of one. @default 'default'
 * @param drivers - the registry to choose from. @default a new one, with the drivers of this package
 * @throws DtmConfigError when no driver has that name, or another driver is in use already
 */
export function resolveDriver(
  driver: DtmDriver | string = 'default',
  drivers: DriverRegistry = new DriverRegistry(),
): DtmDriver {
  if (typeof driver === 'string') return drivers.use(driver);
  return drivers.register(driver).use(driver.name);
}
