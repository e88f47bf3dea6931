import { DtmArgumentError, type ServerMethod } from '../../protocol/internal.js';
import { redactUrls } from '../../support/redact-urls.js';
import { splitBranchUrl } from '../support/base/split-branch-url.js';
import type { GrpcTarget } from '../support/lookup/address-source.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';
import type { PolarisService } from '../support/registry/polaris/polaris-registry.js';

/** Format of the URL of a branch. */
export const POLARIS_FORM = 'polaris://service/pkg.Service/Method?namespace=NAMESPACE';

/** The namespace of a URL without one. */
const DEFAULT_NAMESPACE = 'default';

const BRANCH = /^polaris:\/\/([\w.-]+)(\/[\w.]+\/\w+)(?:\?namespace=([\w.-]*))?$/i;

const SERVICE = /^([^/?]*)\/?(?:\?(.*))?$/s;

/**
 * Splits the URL of a branch as the Go driver does.
 *
 * @throws DtmArgumentError with the expected format
 */
export function splitPolarisUrl(uri: string, driver: string): ServerMethod {
  if (!/^polaris:/i.test(uri)) return splitBranchUrl(uri, { driver, schemes: { polaris: POLARIS_FORM } });
  const [, service = '', method, namespace = ''] = BRANCH.exec(uri) ?? [];
  if (method !== undefined) return { server: serverUrl(parseServiceName(service), namespace), method };
  throw new DtmArgumentError(
    `branch URL '${redactUrls(uri)}' is invalid: expected a gRPC branch as ${POLARIS_FORM}; Go dtm drops every other part`,
  );
}

/**
 * Builds the URL of a branch.
 *
 * @param service - `polaris://service?namespace=NAMESPACE`, or the address that Go writes, `polaris://service/?options=…`
 * @param method - `/pkg.Service/Method`
 * @throws DtmArgumentError with the expected format of the service
 */
export function polarisBranchUrl(service: string, method: string): string {
  const [, authority] = /^polaris:\/\/(.*)$/is.exec(service) ?? [];
  if (authority === undefined) return service + method;
  const { name, namespace } = parsePolarisTarget({ scheme: 'polaris', authority, path: '' });
  return `polaris://${name}${method}${namespace === DEFAULT_NAMESPACE ? '' : `?namespace=${namespace}`}`;
}

/**
 * Parses a target of gRPC.
 *
 * @throws DtmArgumentError with the expected format
 */
export function parsePolarisTarget({ scheme, authority, path }: GrpcTarget): PolarisService {
  const [, name = '', query = ''] = SERVICE.exec(path === '' ? authority : `${authority}/${path}`) ?? [];
  const parameters = new URLSearchParams(query);
  const options = parameters.get('options');
  const namespace = options === null ? parameters.get('namespace') : namespaceIn(options);
  const isKnown = [...parameters.keys()].every((key) => key === 'options' || key === 'namespace');
  if (name === '' || namespace === undefined || !isKnown) {
    const url = redactUrls(`${scheme}://${authority}/${path}`);
    throw new DtmArgumentError(
      `address '${url}' is invalid: expected a service in Polaris as polaris://service?namespace=NAMESPACE`,
    );
  }
  return {
    name: parseServiceName(name),
    namespace: parseServiceName(namespace || DEFAULT_NAMESPACE, 'the name of a namespace'),
  };
}

/** Polaris' client for Go writes options as JSON in the URL alphabet of base64, with padding. */
function serverUrl(service: string, namespace: string): string {
  const options = Buffer.from(JSON.stringify({ Namespace: namespace })).toString('base64');
  return `polaris://${service}/?options=${options.replaceAll('+', '-').replaceAll('/', '_')}`;
}

/** @returns undefined for options that are not supported here */
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
