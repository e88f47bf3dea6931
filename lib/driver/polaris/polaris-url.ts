import { DtmArgumentError, type ServerMethod } from '../../protocol/internal.js';
import { redactUrls } from '../../support/redact-urls.js';
import { splitBranchUrl } from '../support/base/split-branch-url.js';
import type { GrpcTarget } from '../support/lookup/grpc-resolver/address-source.js';
import type { PolarisService } from '../support/registry/polaris/polaris-registry.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';

/** How the URL of a branch is written. */
export const POLARIS_FORM = 'polaris://service/pkg.Service/Method?namespace=NAMESPACE';

/** Where there is none in the URL. */
const DEFAULT_NAMESPACE = 'default';

const BRANCH = /^polaris:\/\/([\w.-]+)(\/[\w.]+\/\w+)(?:\?namespace=([\w.-]*))?$/i;

const SERVICE = /^([^/?]*)\/?(?:\?(.*))?$/s;

/**
 * Splits the URL of a branch as the Go driver does.
 *
 * @param uri - branch URL
 * @param driver - names it in messages
 * @throws DtmArgumentError saying what the URL should look like
 */
export function splitPolarisUrl(uri: string, driver: string): ServerMethod {
  if (!/^polaris:/i.test(uri)) return splitBranchUrl(uri, { driver, schemes: { polaris: POLARIS_FORM } });
  const [, service = '', method, namespace = ''] = BRANCH.exec(uri) ?? [];
  if (method !== undefined) return { server: serverUrl(parseServiceName(service), namespace), method };
  throw new DtmArgumentError(
    `bad url: '${redactUrls(uri)}'. a gRPC branch with this scheme is written ${POLARIS_FORM}; ` +
      'dtm drops every other part',
  );
}

/**
 * The URL of a branch.
 *
 * @param service - `polaris://service?namespace=NAMESPACE`, or as Go addresses it, `polaris://service/?options=…`
 * @param method - `/pkg.Service/Method`
 * @throws DtmArgumentError when it is none
 */
export function polarisBranchUrl(service: string, method: string): string {
  const [, authority] = /^polaris:\/\/(.*)$/is.exec(service) ?? [];
  if (authority === undefined) return service + method;
  const { name, namespace } = serviceIn({ scheme: 'polaris', authority, path: '' });
  return `polaris://${name}${method}${namespace === DEFAULT_NAMESPACE ? '' : `?namespace=${namespace}`}`;
}

/**
 * The service that a target of gRPC names.
 *
 * @param target - from gRPC
 * @throws DtmArgumentError saying how it is written
 */
export function serviceIn({ scheme, authority, path }: GrpcTarget): PolarisService {
  const [, name = '', query = ''] = SERVICE.exec(path === '' ? authority : `${authority}/${path}`) ?? [];
  const parameters = new URLSearchParams(query);
  const options = parameters.get('options');
  const namespace = options === null ? parameters.get('namespace') : namespaceIn(options);
  const isKnown = [...parameters.keys()].every((key) => key === 'options' || key === 'namespace');
  if (name === '' || namespace === undefined || !isKnown) {
    const url = redactUrls(`${scheme}://${authority}/${path}`);
    throw new DtmArgumentError(
      `bad address: '${url}'. a service in Polaris is written polaris://service?namespace=NAMESPACE`,
    );
  }
  return {
    name: parseServiceName(name),
    namespace: parseServiceName(namespace || DEFAULT_NAMESPACE, 'the name of a namespace'),
  };
}

/** As clients of Polaris for Go write it: the options are JSON in the alphabet of base64 that is meant for URLs, padded. */
function serverUrl(service: string, namespace: string): string {
  const options = Buffer.from(JSON.stringify({ Namespace: namespace })).toString('base64');
  return `polaris://${service}/?options=${options.replaceAll('+', '-').replaceAll('/', '_')}`;
}

/** @returns undefined when there are other options, which are not served here */
function namespaceIn(options: string): string | undefined {
  try {
    const { Namespace: namespace = '', ...others } = JSON.parse(Buffer.from(options, 'base64').toString()) as {
      readonly Namespace?: unknown;
    };
    return typeof namespace === 'string' && Object.keys(others).length === 0 ? namespace : undefined;
  } catch {
    return undefined;
  }
}
