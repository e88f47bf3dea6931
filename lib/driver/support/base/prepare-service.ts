import type { DtmDriver, PreparedService } from '../../driver.js';

/** {@link DtmDriver.prepareService}, or its replacement for a driver without that method. */
export function prepareService(driver: DtmDriver, target: string, endpoint: string): PreparedService {
  return (
    driver.prepareService?.(target, endpoint) ?? {
      register: (options) => driver.registerService(target, endpoint, options),
    }
  );
}
