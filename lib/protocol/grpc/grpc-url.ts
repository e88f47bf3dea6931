import { checkHttpUrl } from '../branch/branch-url.js';
import { DtmArgumentError } from '../errors.js';
import type { Protocol } from '../vocabulary.js';

/** A gRPC branch URL, taken apart. */
export interface ServerMethod {
  /** Whom to call: `host:port`, or what a resolver understands. */
  readonly server: string;
  /** Full method, `/pkg.Service/Method`. */
  readonly method: string;
}

const HTTP = /^https?:\/\//i;

/** `host:port/pkg.Service/Method`; an IPv6 address stands in brackets. */
const PLAIN = /^((?:\[[\da-f:.]+\]|[^/:@?#[\]]+):\d{1,5})(\/[^/?#]+\/[^/?#]+)$/i;

/**
 * Whether a branch URL is one of HTTP; any other is one of gRPC: docs/protocol.md#branch-urls.
 *
 * @param url - branch URL
 */
export function isHttpUrl(url: string): boolean {
  return HTTP.test(url);
}

/**
 * Takes `host:port/pkg.Service/Method` apart at its first slash.
 *
 * @param url - gRPC branch URL without a scheme
 * @returns undefined when it is none
 */
export function splitGrpcUrl(url: string): ServerMethod | undefined {
  // a name or path in other letters could not be sent
  const [, server, method] = /^[!-~]+$/.test(url) ? (PLAIN.exec(url) ?? []) : [];
  return server !== undefined && method !== undefined ? { server, method } : undefined;
}

/** A URL with a scheme of its own. */
const SCHEMED = /^[a-z][a-z\d+.-]*:\/\/[!-~]+$/i;

/**
 * Checks that a branch can be called at a URL at all: with any other it would be retried for ever. What stands behind a
 * scheme of its own (`etcd://…`), and whether it is called over HTTP or gRPC, is for the driver to judge.
 *
 * @param url - the URL
 * @param what - names it in the message
 * @param protocol - of the transaction; only one with grpc has gRPC branches, and may have HTTP ones beside them
 * @throws DtmArgumentError when it is none that such a transaction can have
 */
export function checkBranchUrl(url: string, what: string, protocol: Protocol = 'http'): void {
  const isHttp = isHttpUrl(url);
  if (!isHttp && SCHEMED.test(url)) return;
  const grpc = isHttp ? undefined : splitGrpcUrl(url);
  if (isHttp || (protocol !== 'grpc' && !grpc)) {
    checkHttpUrl(url, what);
    return;
  }
  if (protocol !== 'grpc') {
    throw new DtmArgumentError(
      `${what} ${JSON.stringify(url)}: branches are called over http or https; put http:// in front, or give the transaction the protocol grpc`,
    );
  }
  if (grpc) return;
  throw new DtmArgumentError(
    `${what} ${JSON.stringify(url)} is not a URL; expected http://host:port/path, or for gRPC host:port/pkg.Service/Method`,
  );
}
