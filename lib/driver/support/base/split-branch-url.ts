import { DtmArgumentError, splitGrpcUrl, type ServerMethod } from '../../../protocol/internal.js';
import { redactUrls } from '../../../support/redact-urls.js';
import { listDriversOfScheme } from '../../built-in-drivers.js';

/** The URLs that {@link splitBranchUrl} accepts. */
export interface BranchUrlRules {
  /** Name of the driver. */
  readonly driver: string;
  /** The schemes of the driver in lower case, each with the format of its URLs. */
  readonly schemes: Readonly<Record<string, string>>;
  /** The schemes whose URLs may have a user, and a query behind the service. @default none */
  readonly withOptions?: readonly string[] | undefined;
}

const PLAIN = 'host:port/pkg.Service/Method';

/** `scheme://authority` and the rest. */
const WITH_SCHEME = /^([a-z][a-z\d+.-]*):\/\/([^/?#]*)(.*)$/is;

/** Hosts with ports, separated by commas, or a name; an IPv6 address is in brackets. */
const AUTHORITY = /^(?:\[[\da-f:.]+\]|[^[\]@])*$/i;

/** A user in front of the authority, and a query without a slash behind the service. */
const WITH_OPTIONS =
  /^[a-z][a-z\d+.-]*(:\/\/(?:[\w.~%+-]+(?::[^/?#@\s]*)?@)?[\w.,:[\]-]*\/[\w.-]+(?:\?[!-"$-.0-~]*)?)(\/[\w.]+\/\w+)$/i;

/**
 * Splits the URL of a gRPC branch as the Go drivers of protocol1 and kratos do: `host:port/pkg.Service/Method` at its first
 * slash, `scheme://authority/service/pkg.Service/Method` before its last two parts. A URL that the Go drivers split wrongly, or
 * panic on, is refused.
 *
 * @param uri - URL of the branch
 * @param rules - the URLs of the driver
 * @throws DtmArgumentError with the expected format, or with the driver that serves the scheme
 */
export function splitBranchUrl(uri: string, rules: BranchUrlRules): ServerMethod {
  const { driver, schemes, withOptions = [] } = rules;
  const refusal = (why: string): DtmArgumentError =>
    new DtmArgumentError(`branch URL '${redactUrls(uri)}' is invalid: ${why}`);
  const expectedPlain = `expected a gRPC branch as ${PLAIN}`;
  if (!uri.includes('/')) throw refusal(`no '/' found; ${expectedPlain}`);

  const [, writtenScheme, authority = '', path = ''] = WITH_SCHEME.exec(uri) ?? [];
  if (writtenScheme === undefined) {
    const parts = splitGrpcUrl(uri);
    if (parts) return parts;
    throw refusal(expectedPlain);
  }

  const scheme = writtenScheme.toLowerCase();
  if (!Object.hasOwn(schemes, scheme)) {
    const forms = [PLAIN, ...Object.values(schemes)].join(' or ');
    const others = listDriversOfScheme(scheme).join(' or ') || 'a driver that serves the scheme';
    throw refusal(`the driver ${driver} accepts ${forms}; for ${scheme}:// use ${others}`);
  }

  if (withOptions.includes(scheme)) {
    const [, server, method] = WITH_OPTIONS.exec(uri) ?? [];
    if (server !== undefined && method !== undefined) return { server: scheme + server, method };
  }
  const expected = `expected a gRPC branch as ${schemes[scheme]}`;
  if (!/^[!-~]+$/.test(uri)) throw refusal(`${expected}, in printable ASCII`);
  if (/[?#%]/.test(uri)) {
    throw refusal(
      `Go dtm drops everything after '?' or '#', and splits the URL at a slash that '%' encodes; ${expected}`,
    );
  }
  if (!AUTHORITY.test(authority)) throw refusal(`${expected}, without a user, and with IPv6 addresses in brackets`);
  const [service, name, method, ...more] = path.split('/').slice(1);
  if (!service || !name || !method || more.length > 0) {
    throw refusal(`three parts that are not empty must follow ${scheme}://${authority}; ${expected}`);
  }
  return { server: `${scheme}://${authority}/${service}`, method: `/${name}/${method}` };
}
