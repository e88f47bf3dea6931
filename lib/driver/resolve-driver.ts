import { DtmConfigError } from '../protocol/index.js';
import { defaultDriver } from './default/default-driver.js';
import type { DtmDriver } from './driver.js';

/** Drivers that are chosen by their names. */
const BY_NAME: Readonly<Record<string, () => DtmDriver>> = { default: defaultDriver };

/**
 * Turns what a user gave as driver into one.
 *
 * @param driver - a driver, or the name of one
 * @throws DtmConfigError when there is none of that name
 */
export function resolveDriver(driver: DtmDriver | string = 'default'): DtmDriver {
  if (typeof driver !== 'string') return driver;
  const make = Object.hasOwn(BY_NAME, driver) ? BY_NAME[driver] : undefined;
  if (make) return make();
  const names = Object.keys(BY_NAME).join(', ');
  throw new DtmConfigError(
    `driver ${JSON.stringify(driver)} does not exist; give one of ${names}, or a DtmDriver object`,
  );
}
