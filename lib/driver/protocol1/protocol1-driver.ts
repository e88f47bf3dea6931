import { DtmArgumentError } from '../../protocol/internal.js';
import { parseHostPort } from '../../support/host-port.js';
import { loadGrpc } from '../../support/load-grpc.js';
import { redactUrls } from '../../support/redact-urls.js';
import { splitBranchUrl } from '../support/base/split-branch-url.js';
import type { DtmDriver } from '../driver.js';
import type { Address } from '../support/lookup/address.js';
import type { AddressSource, GrpcTarget } from '../support/lookup/grpc-resolver/address-source.js';
import { registerGrpcScheme } from '../support/lookup/grpc-resolver/register-scheme.js';

const NAME = 'dtm-driver-protocol1';
const SCHEME = 'protocol1';
const FORM = 'protocol1:///host:port/pkg.Service/Method, with three slashes';

/**
 * The driver of DTM's own guide: the addresses of its scheme are fixed, and there is no registry. dtm is
 * `protocol1:///localhost:36790` (two slashes do as well), a branch `protocol1:///localhost:50051/pkg.Service/Method`.
 */
export function protocol1Driver(): DtmDriver {
  return {
    name: NAME,
    registerGrpcResolver: async () =>
      registerGrpcScheme(await loadGrpc(), { scheme: SCHEME, driver: NAME, source: fixedAddress }),
    registerService: async () => ({ close: async () => undefined }),
    parseServerMethod(uri) {
      const parts = splitBranchUrl(uri, { driver: NAME, schemes: { [SCHEME]: FORM } });
      const [, address] = parts.server.split('://');
      if (address !== undefined && !(address.startsWith('/') && parseHostPort(address.slice(1)))) {
        throw new DtmArgumentError(`bad url: '${redactUrls(uri)}'. a gRPC branch with this scheme is written ${FORM}`);
      }
      return parts;
    },
  };
}

/** The address is in the target itself. */
const fixedAddress: AddressSource = {
  check: (target) => void addressIn(target),
  watch(target, listener) {
    listener.found([addressIn(target)]);
    return () => undefined;
  },
};

function addressIn({ authority, path }: GrpcTarget): Address {
  const address = authority === '' || path === '' ? parseHostPort(authority + path) : undefined;
  if (address) return address;
  const url = redactUrls(`${SCHEME}://${authority}/${path}`);
  throw new DtmArgumentError(`bad address: '${url}'. the address of a service is written ${SCHEME}:///host:port`);
}
