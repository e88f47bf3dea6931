import { DtmArgumentError } from '../../../protocol/internal.js';
import { redactUrls } from '../../../support/redact-urls.js';
import type { DtmDriver } from '../../driver.js';

/**
 * Builds the URL of a branch that every dtm with the driver can call; see {@link DtmDriver.branchUrl}.
 *
 * @param driver - the driver of the coordinator
 * @param service - address of the service, e.g. `bank:50051` or `etcd://etcd:2379/bank`
 * @param method - `/pkg.Service/Method`, or the path of an HTTP service
 * @throws DtmArgumentError when the driver would split the URL in another way
 */
export function branchUrlOf(driver: DtmDriver, service: string, method: string): string {
  return driver.branchUrl ? driver.branchUrl(service, method) : joinBranchUrl(driver, service, method);
}

/** Joins a service and a method, provided that the driver splits the URL into the same two. */
export function joinBranchUrl(
  driver: Pick<DtmDriver, 'name' | 'parseServerMethod'>,
  service: string,
  method: string,
): string {
  const url = service + method;
  const split = driver.parseServerMethod(url);
  if (split.server === service && split.method === method) return url;
  throw new DtmArgumentError(
    `branch URL '${redactUrls(url)}' is invalid: the driver ${driver.name} takes ${split.server} for the service, ${split.method} for the method`,
  );
}
