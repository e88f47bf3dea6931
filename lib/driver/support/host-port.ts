import { isIPv6 } from 'node:net';

/** Where a server is reached. */
export interface Address {
  /** Name or IP address; one of IPv6 without brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
  /** Its share of the calls, beside those of others, where calls are shared by weight. @default 1 */
  readonly weight?: number | undefined;
  /** Whether the port is one of TLS, where a registry says so. @default unknown */
  readonly secure?: boolean | undefined;
}

/** An IPv6 address stands in brackets. */
const HOST_PORT = /^(?:\[([\da-f:.]+)\]|([a-z\d](?:[\w.-]*[a-z\d])?)):(\d{1,5})$/i;

/**
 * Reads `host:port`.
 *
 * @param text - e.g. `localhost:36790`, `[::1]:36790`
 * @returns undefined when it is none
 */
export function parseHostPort(text: string): Address | undefined {
  const [, bracketed, name, digits] = HOST_PORT.exec(text) ?? [];
  const port = Number(digits);
  if (!(port >= 1 && port <= 65_535)) return undefined;
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : undefined;
  return name === undefined ? undefined : { host: name, port };
}

/**
 * Writes an address as `host:port`; one of IPv6 in brackets.
 *
 * @param address - what is written
 */
export function hostPort({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
