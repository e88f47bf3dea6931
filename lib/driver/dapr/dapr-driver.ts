import { DtmArgumentError } from '../../protocol/internal.js';
import { formatHostPort } from '../../support/host-port.js';
import { loadGrpc } from '../../support/load-grpc.js';
import { splitBranchUrl } from '../support/base/split-branch-url.js';
import type { DtmDriver, OutgoingGrpcCall } from '../driver.js';
import type { AddressSource, GrpcTarget } from '../support/lookup/grpc-resolver/address-source.js';
import { registerGrpcScheme } from '../support/lookup/grpc-resolver/register-scheme.js';
import type { HttpNameResolver } from '../support/lookup/http-resolver/http-name-resolver.js';
import { addressed, INVOKE_SERVICE } from './dapr-messages.js';
import { DAPR_FORMS, isDaprUrl, parseDaprBranch, parseDaprUrl, sidecarOf, type DaprUrl } from './dapr-url.js';

const NAME = 'dtm-driver-dapr';

/** By which a sidecar knows whom a call is for that it passes on as it is. */
const APP_ID = 'dapr-app-id';

/**
 * Services behind Dapr's sidecars. Over gRPC one is addressed as `daprpgrpc://DAPR_ENV/app-id`, over HTTP
 * as `daprphttp://DAPR_ENV/app-id`; a branch has its method or path behind that. With `daprgrpc` and `daprhttp` calls are made
 * by Dapr's own API. `DAPR_ENV` is the sidecar next to the process (`DAPR_GRPC_PORT`, `DAPR_HTTP_PORT`), in its place may stand
 * `host:port`. There is nothing to register: that does Dapr.
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
      if (isDaprUrl(uri, 'http')) {
        throw new DtmArgumentError(`bad url: '${uri}'. a gRPC branch is written ${DAPR_FORMS.daprpgrpc}`);
      }
      const { daprgrpc, daprpgrpc } = DAPR_FORMS;
      if (!isDaprUrl(uri, 'grpc')) return splitBranchUrl(uri, { driver: NAME, schemes: { daprgrpc, daprpgrpc } });
      const url = parseDaprBranch(uri);
      return { server: `${url.scheme}://${formatHostPort(sidecarOf(url))}/${url.appId}`, method: `/${url.method}` };
    },
    branchUrl(service, method) {
      const url = service + method;
      // the sidecar is the coordinator's, of which nothing is known here
      if (isDaprUrl(url, 'grpc') || isDaprUrl(url, 'http')) parseDaprBranch(url);
      else splitBranchUrl(url, { driver: NAME, schemes: DAPR_FORMS });
      return url;
    },
    interceptGrpc,
    http,
  };
}

/** Calls by name go to the sidecar. */
const sidecar: AddressSource = {
  check: (target) => void sidecarOf(urlOf(target)),
  watch(target, listener) {
    listener.found([sidecarOf(urlOf(target))]);
    return () => undefined;
  },
};

function urlOf({ scheme, authority, path }: GrpcTarget): DaprUrl {
  const text = `${scheme}://${authority}/${path}`;
  const url = parseDaprUrl(text);
  if (url.method === '') return url;
  throw new DtmArgumentError(`bad address: '${text}'. a service behind Dapr is written ${scheme}://DAPR_ENV/app-id`);
}

function interceptGrpc(call: OutgoingGrpcCall): OutgoingGrpcCall {
  if (!isDaprUrl(call.server, 'grpc')) return call;
  const { scheme, appId } = parseDaprUrl(call.server);
  if (scheme === 'daprpgrpc') return { ...call, metadata: [...(call.metadata ?? []), [APP_ID, appId]] };
  return { ...call, method: INVOKE_SERVICE, message: addressed(call.message, appId, call.method.replace(/^\//, '')) };
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
