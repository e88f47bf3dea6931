import { DtmArgumentError } from '../../protocol/internal.js';
import { formatHostPort } from '../../support/host-port.js';
import { loadGrpc } from '../../support/load-grpc.js';
import type { DtmDriver, OutgoingGrpcCall } from '../driver.js';
import { splitBranchUrl } from '../support/base/split-branch-url.js';
import type { AddressSource, GrpcTarget } from '../support/lookup/address-source.js';
import { watchFixed } from '../support/lookup/fixed-addresses.js';
import { registerGrpcScheme } from '../support/lookup/grpc-resolver/register-grpc-scheme.js';
import type { HttpNameResolver } from '../support/lookup/http-resolver/http-name-resolver.js';
import { addressRequest, INVOKE_SERVICE } from './dapr-payload.js';
import { DAPR_FORMS, isDaprUrl, parseDaprBranch, parseDaprUrl, sidecarOf, type DaprUrl } from './dapr-url.js';

const NAME = 'dtm-driver-dapr';

/** The header with the application of a call that a sidecar proxies. */
const APP_ID = 'dapr-app-id';

/**
 * Creates the driver of Dapr. A service has the address `daprpgrpc://DAPR_ENV/app-id` over gRPC and `daprphttp://DAPR_ENV/app-id`
 * over HTTP; a branch adds its method or path. With `daprgrpc` and `daprhttp` Dapr's own API calls the service. `DAPR_ENV` stands
 * for the sidecar of the process (`DAPR_GRPC_PORT`, `DAPR_HTTP_PORT`); `host:port` names another one. Dapr registers the service;
 * no target is needed.
 */
export function daprDriver(): DtmDriver {
  return {
    name: NAME,
    async registerGrpcResolver() {
      const grpc = await loadGrpc();
      for (const scheme of ['daprgrpc', 'daprpgrpc']) {
        registerGrpcScheme(grpc, { scheme, driver: NAME, source: sidecar });
      }
    },
    registerService: async () => ({ close: async () => undefined }),
    parseServerMethod(uri) {
      const { daprgrpc, daprpgrpc } = DAPR_FORMS;
      if (isDaprUrl(uri, 'http')) {
        throw new DtmArgumentError(`branch URL '${uri}' is invalid: expected a gRPC branch as ${daprpgrpc}`);
      }
      if (!isDaprUrl(uri, 'grpc')) return splitBranchUrl(uri, { driver: NAME, schemes: { daprgrpc, daprpgrpc } });
      const url = parseDaprBranch(uri);
      return { server: `${url.scheme}://${formatHostPort(sidecarOf(url))}/${url.appId}`, method: `/${url.method}` };
    },
    branchUrl(service, method) {
      const url = service + method;
      // the coordinator has its own sidecar, so its address is not checked here
      if (isDaprUrl(url, 'grpc') || isDaprUrl(url, 'http')) parseDaprBranch(url);
      else splitBranchUrl(url, { driver: NAME, schemes: DAPR_FORMS });
      return url;
    },
    interceptGrpc,
    http,
  };
}

/** Calls by name go to the sidecar. */
const sidecar: AddressSource = { parse: (target) => watchFixed([sidecarOf(parseTarget(target))]) };

function parseTarget({ scheme, authority, path }: GrpcTarget): DaprUrl {
  const text = `${scheme}://${authority}/${path}`;
  const url = parseDaprUrl(text);
  if (url.method === '') return url;
  throw new DtmArgumentError(
    `address '${text}' is invalid: expected a service behind Dapr as ${scheme}://DAPR_ENV/app-id`,
  );
}

function interceptGrpc(call: OutgoingGrpcCall): OutgoingGrpcCall {
  if (!isDaprUrl(call.server, 'grpc')) return call;
  const { scheme, appId } = parseDaprUrl(call.server);
  if (scheme === 'daprpgrpc') return { ...call, metadata: [...(call.metadata ?? []), [APP_ID, appId]] };
  const method = call.method.replace(/^\//, '');
  return { ...call, method: INVOKE_SERVICE, message: addressRequest(call.message, appId, method) };
}

const http: HttpNameResolver = {
  isNamed: (url) => isDaprUrl(url, 'http'),
  check: (url) => void sidecarOf(parseDaprBranch(url)),
  async resolve(text) {
    const url = parseDaprBranch(text);
    const { scheme, appId, method } = url;
    const base = `http://${formatHostPort(sidecarOf(url))}`;
    if (scheme === 'daprhttp') return { url: `${base}/v1.0/invoke/${appId}/method/${method}` };
    return { url: `${base}/${method}`, headers: { [APP_ID]: appId } };
  },
};
