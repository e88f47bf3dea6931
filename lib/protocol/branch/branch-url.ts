import { DtmArgumentError } from '../errors.js';
import type { Protocol } from '../vocabulary.js';

/** The parts of a gRPC branch URL. */
export interface ServerMethod {
  /** The server to call: `host:port`, or what a gRPC resolver understands. */
  readonly server: string;
  /** Full method, `/pkg.Service/Method`. */
  readonly method: string;
}

const HTTP = /^https?:\/\//i;

/** `host:port/pkg.Service/Method`; an IPv6 address is in brackets. */
const PLAIN_GRPC = /^((?:\[[\da-f:.]+\]|[^/:@?#[\]]+):\d{1,5})(\/[^/?#]+\/[^/?#]+)$/i;

/** A URL with a scheme. */
const SCHEMED = /^[a-z][a-z\d+.-]*:\/\/[!-~]+$/i;

/** Whether a branch URL is an HTTP URL; any other is a gRPC URL: docs/protocol.md#branch-urls. */
export function isHttpUrl(url: string): boolean {
  return HTTP.test(url);
}

/**
 * Splits `host:port/pkg.Service/Method` at its first slash.
 *
 * @returns undefined when the URL has another form
 */
export function splitGrpcUrl(url: string): ServerMethod | undefined {
  // a name or path in other letters could not be sent
  const [, server, method] = /^[!-~]+$/.test(url) ? (PLAIN_GRPC.exec(url) ?? []) : [];
  return server !== undefined && method !== undefined ? { server, method } : undefined;
}

/**
 * Asserts that HTTP can call a URL. The coordinator would retry any other URL forever.
 *
 * @param what - names the URL in the message
 * @throws DtmArgumentError when it is not an absolute http or https URL, or holds what parsers drop or move
 */
export function assertHttpUrl(url: string, what: string): void {
  // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
  if (/[\u0000-\u001f\u007f]/.test(url) || url !== url.trim() || !URL.canParse(url)) {
    throw new DtmArgumentError(`${what} ${JSON.stringify(url)} is not a URL; expected http://host:port/path`);
  }
  if (!/^https?:/i.test(url)) {
    throw new DtmArgumentError(
      `${what} ${JSON.stringify(url)} is not an http or https URL; expected http://host:port/path`,
    );
  }
}

/**
 * Asserts that a branch can be called at a URL. The coordinator would retry any other URL forever. Only the driver of a
 * scheme (`etcd://…`) knows whether the URL is valid, and whether it leads to HTTP or gRPC.
 *
 * @param what - names the URL in the message
 * @param protocol - of the transaction: `grpc` allows gRPC and HTTP branches, the others HTTP branches only
 * @throws DtmArgumentError when such a transaction cannot have the URL
 */
export function assertBranchUrl(url: string, what: string, protocol: Protocol = 'http'): void {
  const isHttp = isHttpUrl(url);
  if (!isHttp && SCHEMED.test(url)) return;
  const grpc = isHttp ? undefined : splitGrpcUrl(url);
  if (isHttp || (protocol !== 'grpc' && !grpc)) {
    assertHttpUrl(url, what);
    return;
  }
  if (protocol !== 'grpc') {
    throw new DtmArgumentError(
      `${what} ${JSON.stringify(url)} has no scheme; put http:// in front, or set protocol: 'grpc' on the transaction`,
    );
  }
  if (grpc) return;
  throw new DtmArgumentError(
    `${what} ${JSON.stringify(url)} is not a URL; expected http://host:port/path, or for gRPC host:port/pkg.Service/Method`,
  );
}
