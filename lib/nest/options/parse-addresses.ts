import { branchUrlOf, type DtmDriver } from '../../driver/internal.js';
import { DtmConfigError, errorText, isHttpUrl } from '../../protocol/internal.js';
import { describeValue } from '../../support/describe-value.js';
import { parseHostPort } from '../../support/host-port.js';

/**
 * Checks a URL in front of paths.
 *
 * @param option - name of the option, for the message
 * @returns the URL without a slash at its end
 * @throws DtmConfigError when it is not an http or https URL, or has a query, a fragment or credentials
 */
export function parseBaseUrl(option: string, value: unknown): string {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new DtmConfigError(
      `${option} ${describeValue(value)} is not an http or https URL; expected something like http://bank:3000`,
    );
  }
  if (url.search || url.hash || url.username || url.password) {
    throw new DtmConfigError(
      `${option} ${describeValue(value)} must have no query, fragment or credentials, because paths are appended to it`,
    );
  }
  return url.href.replace(/\/+$/, '');
}

/**
 * Checks an address in front of `/pkg.Service/Method`.
 *
 * @param option - name of the option, for the message
 * @throws DtmConfigError when it is neither `host:port` nor a URL of a driver
 */
export function parseGrpcAddress(option: string, value: unknown): string {
  const isHostPort = typeof value === 'string' && parseHostPort(value) !== undefined;
  const isDriverUrl =
    typeof value === 'string' && /^[a-z][a-z\d+.-]*:\/\/[!-~]*[^/\s]$/i.test(value) && !isHttpUrl(value);
  if (isHostPort || isDriverUrl) return value as string;
  throw new DtmConfigError(
    `${option} ${describeValue(value)} is not a gRPC address; expected something like bank:50051, or a URL of the driver`,
  );
}

/** Checks the option `endpoint.http`. @throws DtmConfigError */
export function parseHttpEndpoint(http: unknown, driver: DtmDriver): string {
  const isName = typeof http === 'string' && driver.http?.isNamed(http, 'branch');
  return isName
    ? parseBranchUrlPrefix('endpoint.http', driver, http, '/path')
    : parseBaseUrl('DtmModule: endpoint.http', http);
}

/** Checks the option `endpoint.grpc`. @throws DtmConfigError */
export function parseGrpcEndpoint(grpc: unknown, driver: DtmDriver): string {
  const address = parseGrpcAddress('DtmModule: endpoint.grpc', grpc);
  return parseBranchUrlPrefix('endpoint.grpc', driver, address, '/pkg.Service/Method');
}

/** Composes a branch URL at bootstrap, because it would fail in the same way later. */
function parseBranchUrlPrefix(option: string, driver: DtmDriver, server: string, method: string): string {
  try {
    branchUrlOf(driver, server, method);
    return server;
  } catch (cause) {
    throw new DtmConfigError(`DtmModule: ${option} cannot be the base of a branch URL: ${errorText(cause)}`, { cause });
  }
}
