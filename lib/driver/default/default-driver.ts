import type { DtmDriver } from '../driver.js';
import { splitBranchUrl } from '../support/base/split-branch-url.js';
import { withoutRegistry } from '../support/base/without-registry.js';

/** Creates the driver without a framework. An address is `host:port`; a branch adds its method, `host:port/pkg.Service/Method`. */
export function defaultDriver(): DtmDriver {
  return {
    name: 'default',
    registerGrpcResolver: () => undefined,
    registerService: withoutRegistry('default'),
    parseServerMethod: (uri) => splitBranchUrl(uri, { driver: 'default', schemes: {} }),
  };
}
