import { DtmArgumentError } from '../../../protocol/internal.js';
import { redactUrls } from '../../../support/redact-urls.js';
import type { DtmDriver } from '../../driver.js';

/**
 * URL of a branch that any dtm with a driver can call; see {@link DtmDriver.branchUrl}.
 *
 * @param driver - takes it apart
 * @param service - as it is addressed, e.g. `bank:50051` or `etcd://etcd:2379/bank`
 * @param method - `/pkg.Service/Method`, or the path of an HTTP service
 * @throws DtmArgumentError when the driver would not find the two in it again
 */
export function branchUrlOf(driver: DtmDriver, service: string, method: string): string {
  if (driver.branchUrl) return driver.branchUrl(service, method);
  const url = service + method;
  const found = driver.parseServerMethod(url);
  if (found.server === service && found.method === method) return url;
  throw new DtmArgumentError(
    `bad url: '${redactUrls(url)}'. the driver ${driver.name} takes ${found.server} for the service, ${found.method} for the method`,
  );
}
