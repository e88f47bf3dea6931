import { splitBranchUrl } from '../support/base/split-branch-url.js';
import type { DtmDriver } from '../driver.js';

/** Plain addresses, `host:port/pkg.Service/Method`, without a registry. */
export function defaultDriver(): DtmDriver {
  return {
    name: 'default',
    registerGrpcResolver: () => undefined,
    // there is no registry: whoever calls the service is told its address
    registerService: async () => ({ close: async () => undefined }),
    parseServerMethod: (uri) => splitBranchUrl(uri, { driver: 'default', schemes: {} }),
  };
}
