import { isIPv6 } from 'node:net';

/** Host and port of a server. */
export interface HostPort {
  /** Name or IP address; an IPv6 address has no brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** An IPv6 address is in brackets; a name may end with the dot of the DNS root. */
const HOST_PORT = /^(?:\[([\da-f:.]+)\]|([a-z\d](?:[\w.-]*[a-z\d])?\.?)):(\d{1,5})$/i;

/**
 * Parses `host:port`, e.g. `localhost:36790` or `[::1]:36790`.
 *
 * @returns undefined when the text has another form
 */
export function parseHostPort(text: string): HostPort | undefined {
  const [, bracketed, name, digits] = HOST_PORT.exec(text) ?? [];
  const port = Number(digits);
  if (!(port >= 1 && port <= 65_535)) return undefined;
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : undefined;
  return name === undefined ? undefined : { host: name, port };
}

/** Formats an address as `host:port`, with brackets around an IPv6 address. */
export function formatHostPort(address: HostPort): string {
  const { host, port } = address;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Whether a listener on this host takes connections on all interfaces; such an address cannot be called. */
export function isUnspecifiedHost(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** Whether only this machine can call this host. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Address under which this machine reaches a listener: 127.0.0.1 for a listener on all interfaces. */
export function listenerAddress({ host, port }: HostPort): string {
  return formatHostPort({ host: isUnspecifiedHost(host) ? '127.0.0.1' : host, port });
}
