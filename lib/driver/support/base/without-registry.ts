import type { DtmDriver } from '../../driver.js';

/**
 * Creates the `registerService` of a driver without a registry: it registers nothing, and the registration says so.
 *
 * @param driver - name of the driver
 */
export function withoutRegistry(driver: string): DtmDriver['registerService'] {
  const problem = `the option register has no effect: the driver ${driver} registers nothing; remove the option, or use a driver with a registry`;
  return async (_target, _endpoint, { report } = {}) => {
    report?.(problem);
    return { problem, close: async () => undefined };
  };
}
