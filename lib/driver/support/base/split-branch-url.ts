import { DtmArgumentError, splitGrpcUrl, type ServerMethod } from '../../../protocol/internal.js';
import { redactUrls } from '../../../support/redact-urls.js';
import { listDriversOfScheme } from '../../built-in-drivers.js';

/** Whose URLs {@link splitBranchUrl} takes apart. */
export interface BranchUrlRules {
  /** Name of the driver. */
  readonly driver: string;
  /** Schemes that it serves, in lower case, each with the form of its URLs. */
  readonly schemes: Readonly<Record<string, string>>;
  /** Those of them whose URLs may have a user and a query behind the service, for the resolver. @default none */
  readonly withOptions?: readonly string[] | undefined;
}

const PLAIN = 'host:port/pkg.Service/Method';

/** `scheme://authority` and the rest. */
const SCHEMED = /^([a-z][a-z\d+.-]*):\/\/([^/?#]*)(.*)$/is;

/** Hosts with ports, separated by commas, or a name. An IPv6 address stands in brackets. */
const AUTHORITY = /^(?:\[[\da-f:.]+\]|[^[\]@])*$/i;

/** A user in front of the authority, or a query behind the service, in which there is no slash. */
const WITH_OPTIONS =
  /^[a-z][a-z\d+.-]*(:\/\/(?:[\w.~%+-]+(?::[^/?#@\s]*)?@)?[\w.,:[\]-]*\/[\w.-]+(?:\?[!-"$-.0-~]*)?)(\/[\w.]+\/\w+)$/i;

/**
 * Splits the URL of a gRPC branch (docs/protocol.md#branch-urls) as the Go drivers of protocol1 and kratos do:
 * `host:port/pkg.Service/Method` at its first slash, `scheme://authority/service/pkg.Service/Method` in front of its last
 * two parts. What they would split wrongly, or panic on, is refused.
 *
 * @param uri - branch URL
 * @param rules - of the driver
 * @throws DtmArgumentError saying what the URL should look like, or which driver serves its scheme
 */
export function splitBranchUrl(uri: string, { driver, schemes, withOptions = [] }: BranchUrlRules): ServerMethod {
  const refusal = (why: string): DtmArgumentError => new DtmArgumentError(`bad url: '${redactUrls(uri)}'. ${why}`);
  const plainForm = `a gRPC branch is written ${PLAIN}`;
  if (!uri.includes('/')) throw refusal(`no '/' found; ${plainForm}`);

  const [, anyCase, authority = '', path = ''] = SCHEMED.exec(uri) ?? [];
  if (anyCase === undefined) {
    const parts = splitGrpcUrl(uri);
    if (parts) return parts;
    throw refusal(plainForm);
  }

  const scheme = anyCase.toLowerCase();
  if (!Object.hasOwn(schemes, scheme)) {
    const forms = [`without a scheme, ${PLAIN}`, ...Object.values(schemes)].join(', or as ');
    const others = listDriversOfScheme(scheme).join(' or ');
    throw refusal(
      `the driver ${driver} takes gRPC branches ${forms}; ` +
        `give the coordinator the driver that serves ${scheme}://${others && `, ${others}`}`,
    );
  }

  if (withOptions.includes(scheme)) {
    const [, server, method] = WITH_OPTIONS.exec(uri) ?? [];
    if (server !== undefined && method !== undefined) return { server: scheme + server, method };
  }
  const form = `a gRPC branch with this scheme is written ${schemes[scheme]}`;
  if (!/^[!-~]+$/.test(uri)) throw refusal(`${form}, in printable ASCII`);
  if (/[?#%]/.test(uri))
    throw refusal(`dtm drops what stands behind '?' or '#', and splits at what '%' hides; ${form}`);
  if (!AUTHORITY.test(authority)) throw refusal(`${form}, without a user, and with IPv6 addresses in brackets`);
  const [service, name, method, ...more] = path.split('/').slice(1);
  if (!service || !name || !method || more.length > 0) {
    throw refusal(`three parts, none of them empty, must follow ${scheme}://${authority}; ${form}`);
  }
  return { server: `${scheme}://${authority}/${service}`, method: `/${name}/${method}` };
}
