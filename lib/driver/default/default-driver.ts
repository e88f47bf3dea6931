import { DtmArgumentError, splitGrpcUrl } from '../../protocol/index.js';
import type { DtmDriver } from '../driver.js';

/** Addresses as they are: `host:port/pkg.Service/Method`, without a registry (`dtm-protocol.md` §3.4). */
export function defaultDriver(): DtmDriver {
  return {
    name: 'default',
    registerGrpcResolver: () => undefined,
    // there is no registry: whoever calls the service is told its address
    registerGrpcService: async () => ({ close: async () => undefined }),
    parseServerMethod(uri) {
      const bad = `bad url: '${uri}'.`;
      if (!uri.includes('/')) {
        throw new DtmArgumentError(`${bad} no '/' found; a gRPC branch is written host:port/pkg.Service/Method`);
      }
      if (uri.includes('://')) {
        throw new DtmArgumentError(
          `${bad} the default driver takes gRPC branches without a scheme, host:port/pkg.Service/Method; ` +
            'for the addresses of a registry give the coordinator the driver that knows it',
        );
      }
      const parts = splitGrpcUrl(uri);
      if (!parts) throw new DtmArgumentError(`${bad} a gRPC branch is written host:port/pkg.Service/Method`);
      return parts;
    },
  };
}
