import { DtmArgumentError } from '../../protocol/internal.js';
import { parseHostPort, type HostPort } from '../../support/host-port.js';
import { redactUrls } from '../../support/redact-urls.js';

/** The protocol to the sidecar, and whether Dapr invokes a method (`daprgrpc`) or proxies the call (`daprpgrpc`). */
export type DaprScheme = 'daprgrpc' | 'daprpgrpc' | 'daprhttp' | 'daprphttp';

/** A service behind a sidecar, and what is called there. */
export interface DaprUrl {
  /** The scheme. */
  readonly scheme: DaprScheme;
  /** `host:port` of the sidecar, or `DAPR_ENV`. */
  readonly sidecar: string;
  /** Dapr's name of the application. */
  readonly appId: string;
  /** Method, or path with query, without its first slash; empty when there is none. */
  readonly method: string;
}

/** Identifies the sidecar of this process, whose port is in the environment. */
const DAPR_ENV = 'DAPR_ENV';

const LOCALHOST = 'localhost';

/** Format of the URL of a branch, by scheme. */
export const DAPR_FORMS: Readonly<Record<DaprScheme, string>> = {
  daprgrpc: 'daprgrpc://DAPR_ENV/app-id/method',
  daprpgrpc: 'daprpgrpc://DAPR_ENV/app-id/pkg.Service/Method',
  daprhttp: 'daprhttp://DAPR_ENV/app-id/method',
  daprphttp: 'daprphttp://DAPR_ENV/app-id/path',
};

const URL_PARTS = /^(daprp?(?:grpc|http)):\/\/([^/?#@]+)\/([\w.-]{1,128})(?:\/([!-~]*))?$/i;

/** Allowed text after the application; only HTTP has paths and queries. */
const METHODS: Readonly<Record<DaprScheme, RegExp>> = {
  daprgrpc: /^[\w.~-]+(?:\/[\w.~-]+)*$/,
  daprpgrpc: /^[\w.]+\/\w+$/,
  daprhttp: /^[^/?#][^#]*$/,
  daprphttp: /^[^#]*$/,
};

/** Whether a URL has one of Dapr's schemes for a protocol. */
export function isDaprUrl(url: string, protocol: 'grpc' | 'http'): boolean {
  return (protocol === 'grpc' ? /^daprp?grpc:/i : /^daprp?http:/i).test(url);
}

/**
 * Parses the URL of a service behind a sidecar, `scheme://host:port/app-id` with or without `/method`.
 *
 * @throws DtmArgumentError with the expected format
 */
export function parseDaprUrl(url: string): DaprUrl {
  const [, writtenScheme, sidecar = '', appId = '', method = ''] = URL_PARTS.exec(url) ?? [];
  const scheme = writtenScheme?.toLowerCase() as DaprScheme | undefined;
  if (!scheme || !(sidecar === DAPR_ENV || parseHostPort(sidecar)) || !/[^.]/.test(appId)) {
    throw new DtmArgumentError(
      `branch URL '${redactUrls(url)}' is invalid: expected a service behind Dapr as scheme://DAPR_ENV/app-id, or with the host:port of ` +
        `a sidecar, and one of the schemes ${Object.keys(DAPR_FORMS).join(', ')}`,
    );
  }
  return { scheme, sidecar, appId, method };
}

/**
 * Parses the URL of a branch.
 *
 * @throws DtmArgumentError with the expected format
 */
export function parseDaprBranch(url: string): DaprUrl {
  const parts = parseDaprUrl(url);
  if (METHODS[parts.scheme].test(parts.method)) return parts;
  throw new DtmArgumentError(
    `branch URL '${redactUrls(url)}' is invalid: expected a branch as ${DAPR_FORMS[parts.scheme]}`,
  );
}

/**
 * The address of the sidecar in a URL.
 *
 * @throws DtmArgumentError for the sidecar of this process when the environment does not say its port
 */
export function sidecarOf({ scheme, sidecar }: Pick<DaprUrl, 'scheme' | 'sidecar'>): HostPort {
  const variable = scheme.endsWith('grpc') ? 'DAPR_GRPC_PORT' : 'DAPR_HTTP_PORT';
  const port = process.env[variable];
  const address = parseHostPort(sidecar === DAPR_ENV ? `${LOCALHOST}:${port}` : sidecar);
  if (address) return address;
  throw new DtmArgumentError(
    `${scheme}://${sidecar} is the sidecar of this process, but ${variable} is ${JSON.stringify(port ?? '')}; ` +
      'set it to the port of the sidecar, or write the host:port of the sidecar',
  );
}
