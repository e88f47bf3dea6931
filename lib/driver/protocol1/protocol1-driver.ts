import { DtmArgumentError } from '../../protocol/internal.js';
import { parseHostPort } from '../../support/host-port.js';
import { loadGrpc } from '../../support/load-grpc.js';
import { redactUrls } from '../../support/redact-urls.js';
import type { DtmDriver } from '../driver.js';
import { splitBranchUrl } from '../support/base/split-branch-url.js';
import { withoutRegistry } from '../support/base/without-registry.js';
import type { ServiceAddress } from '../support/tools/service-address.js';
import type { AddressSource, GrpcTarget } from '../support/lookup/address-source.js';
import { watchFixed } from '../support/lookup/fixed-addresses.js';
import { registerGrpcScheme } from '../support/lookup/grpc-resolver/register-grpc-scheme.js';

const NAME = 'dtm-driver-protocol1';
const SCHEME = 'protocol1';
const FORM = 'protocol1:///host:port/pkg.Service/Method, with three slashes';

/**
 * Creates the driver of DTM's guide for drivers: an address of its scheme holds a fixed `host:port`, and there is no registry. A
 * dtm is `protocol1:///localhost:36790`, with two or three slashes; a branch is
 * `protocol1:///localhost:50051/pkg.Service/Method`.
 */
export function protocol1Driver(): DtmDriver {
  return {
    name: NAME,
    registerGrpcResolver: async () =>
      registerGrpcScheme(await loadGrpc(), { scheme: SCHEME, driver: NAME, source: fixedAddress }),
    registerService: withoutRegistry(NAME),
    parseServerMethod(uri) {
      const parts = splitBranchUrl(uri, { driver: NAME, schemes: { [SCHEME]: FORM } });
      const [, address] = parts.server.split('://');
      if (address !== undefined && !(address.startsWith('/') && parseHostPort(address.slice(1)))) {
        throw new DtmArgumentError(`branch URL '${redactUrls(uri)}' is invalid: expected a gRPC branch as ${FORM}`);
      }
      return parts;
    },
  };
}

/** The address is in the target itself. */
const fixedAddress: AddressSource = { parse: (target) => watchFixed([parseTarget(target)]) };

function parseTarget({ authority, path }: GrpcTarget): ServiceAddress {
  const address = authority === '' || path === '' ? parseHostPort(authority + path) : undefined;
  if (address) return address;
  const url = redactUrls(`${SCHEME}://${authority}/${path}`);
  throw new DtmArgumentError(
    `address '${url}' is invalid: expected the address of a service as ${SCHEME}:///host:port`,
  );
}
