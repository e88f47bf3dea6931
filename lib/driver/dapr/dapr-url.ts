import { DtmArgumentError } from '../../protocol/internal.js';
import { parseHostPort } from '../../support/host-port.js';
import { redactUrls } from '../../support/redact-urls.js';
import type { Address } from '../support/lookup/address.js';

/** How Dapr is asked to pass a call on: by its own message, or as it is, and over what. */
export type DaprScheme = 'daprgrpc' | 'daprpgrpc' | 'daprhttp' | 'daprphttp';

/** A service behind a sidecar, and what is called there. */
export interface DaprUrl {
  /** How Dapr is asked. */
  readonly scheme: DaprScheme;
  /** `host:port` of the sidecar, or `DAPR_ENV`. */
  readonly sidecar: string;
  /** Dapr's name of the application. */
  readonly appId: string;
  /** Method or path with query, without its first slash; empty when there is none. */
  readonly method: string;
}

/** Stands for the sidecar next to the process, whose port is in the environment. */
const DAPR_ENV = 'DAPR_ENV';

const LOCALHOST = 'localhost';

/** How the URL of a branch is written, by scheme. */
export const DAPR_FORMS: Readonly<Record<DaprScheme, string>> = {
  daprgrpc: 'daprgrpc://DAPR_ENV/app-id/method',
  daprpgrpc: 'daprpgrpc://DAPR_ENV/app-id/pkg.Service/Method',
  daprhttp: 'daprhttp://DAPR_ENV/app-id/method',
  daprphttp: 'daprphttp://DAPR_ENV/app-id/path',
};

const URL_PARTS = /^(daprp?(?:grpc|http)):\/\/([^/?#@]+)\/([\w.-]{1,128})(?:\/([!-~]*))?$/i;

/** What may stand behind the application; HTTP has paths and queries. */
const METHODS: Readonly<Record<DaprScheme, RegExp>> = {
  daprgrpc: /^[\w.~-]+(?:\/[\w.~-]+)*$/,
  daprpgrpc: /^[\w.]+\/\w+$/,
  daprhttp: /^[^/?#][^#]*$/,
  daprphttp: /^[^#]*$/,
};

/**
 * Whether a URL is one of Dapr's.
 *
 * @param url - any
 * @param over - which of them
 */
export function isDaprUrl(url: string, over: 'grpc' | 'http'): boolean {
  return (over === 'grpc' ? /^daprp?grpc:/i : /^daprp?http:/i).test(url);
}

/**
 * Takes the URL of a service behind a sidecar apart, `scheme://host:port/app-id` and perhaps `/method`.
 *
 * @param url - from a user
 * @throws DtmArgumentError saying how it is written
 */
export function parseDaprUrl(url: string): DaprUrl {
  const [, anyCase, sidecar = '', appId = '', method = ''] = URL_PARTS.exec(url) ?? [];
  const scheme = anyCase?.toLowerCase() as DaprScheme | undefined;
  if (!scheme || !(sidecar === DAPR_ENV || parseHostPort(sidecar)) || !/[^.]/.test(appId)) {
    throw new DtmArgumentError(
      `bad url: '${redactUrls(url)}'. a service behind Dapr is written scheme://DAPR_ENV/app-id, or with the ` +
        `host:port of a sidecar, and one of the schemes ${Object.keys(DAPR_FORMS).join(', ')}`,
    );
  }
  return { scheme, sidecar, appId, method };
}

/**
 * Takes the URL of a branch apart.
 *
 * @param url - from a user
 * @throws DtmArgumentError saying how it is written
 */
export function parseDaprBranch(url: string): DaprUrl {
  const parts = parseDaprUrl(url);
  if (METHODS[parts.scheme].test(parts.method)) return parts;
  throw new DtmArgumentError(
    `bad url: '${redactUrls(url)}'. a branch with this scheme is written ${DAPR_FORMS[parts.scheme]}`,
  );
}

/**
 * Where the sidecar of a URL is reached.
 *
 * @param url - taken apart
 * @throws DtmArgumentError when it is the one next to the process, and the environment does not say where that is
 */
export function sidecarOf({ scheme, sidecar }: Pick<DaprUrl, 'scheme' | 'sidecar'>): Address {
  const variable = scheme.endsWith('grpc') ? 'DAPR_GRPC_PORT' : 'DAPR_HTTP_PORT';
  const port = process.env[variable];
  const address = parseHostPort(sidecar === DAPR_ENV ? `${LOCALHOST}:${port}` : sidecar);
  if (address) return address;
  throw new DtmArgumentError(
    `${scheme}://${sidecar} is the sidecar next to this process, but ${variable} is ${JSON.stringify(port ?? '')}; ` +
      'set it to the port of the sidecar, or write its host:port',
  );
}
