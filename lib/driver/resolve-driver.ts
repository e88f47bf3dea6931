import type { DtmDriver } from './driver.js';
import { DriverRegistry } from './driver-registry.js';

/**
 * Turns what a user gave as driver into the one in use.
 *
 * @param driver - a driver, or the name of one
 * @param drivers - to choose from
 * @throws DtmConfigError when there is none of that name, or another one is in use already
 */
export function resolveDriver(
  driver: DtmDriver | string = 'default',
  drivers: DriverRegistry = new DriverRegistry(),
): DtmDriver {
  if (typeof driver === 'string') return drivers.use(driver);
  return drivers.register(driver).use(driver.name);
}
