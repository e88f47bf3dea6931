import { DtmConfigError } from '../../../protocol/internal.js';
import { formatHostPort, parseHostPort } from '../../../support/host-port.js';
import { parseEndpoint } from '../base/parse-endpoint.js';
import type { Address } from '../lookup/address.js';

/** A service of kratos or sponge. Its JSON, in this order, is what others read. */
export interface ServiceInstance {
  /** Tells it from the others of its name. */
  readonly id: string;
  /** Name of the service. */
  readonly name: string;
  /** Of the program; unknown for dtm. */
  readonly version: '';
  /** None for dtm. */
  readonly metadata: null;
  /** Where it is reached, `grpc://host:port`. */
  readonly endpoints: readonly string[];
}

/** One of the places where an instance is reached. */
export interface InstanceEndpoint extends Address {
  /** As it was written. */
  readonly url: string;
  /** Over what it is called. */
  readonly scheme: 'grpc' | 'http';
}

/** The endpoints of an instance. */
export type InstanceEndpoints = readonly [InstanceEndpoint, ...InstanceEndpoint[]];

/** `host:port` and a query. */
const GRPC_ENDPOINT = /^grpc:\/\/([^/?#]*)[^?#]*(?:\?([^#]*))?/i;

/** What Go takes for true. */
const TRUE = /^(?:1|t|T|true|TRUE|True)$/;

/**
 * Reads the endpoints that are registered.
 *
 * @param endpoint - `grpc://host:port` or `http://host:port`, or several of them with commas in between
 * @param driver - names it in the message
 * @throws DtmConfigError when it is none
 */
export function endpointsIn(endpoint: string, driver: string): InstanceEndpoints {
  const [first = '', ...others] = endpoint.split(',');
  return [endpointOf(first, driver), ...others.map((other) => endpointOf(other, driver))];
}

function endpointOf(endpoint: string, driver: string): InstanceEndpoint {
  const [, scheme, host = ''] = /^(grpc|http):\/\/([^/?#]*)$/.exec(endpoint) ?? [];
  if (scheme !== undefined) return { ...parseEndpoint(host, driver), url: endpoint, scheme: scheme as 'grpc' | 'http' };
  throw new DtmConfigError(
    `driver ${driver}: the endpoint ${JSON.stringify(endpoint)} is written grpc://host:port, e.g. grpc://bank:50051`,
  );
}

/**
 * Where gRPC calls instances: at the first endpoint of each that is one of gRPC without TLS.
 *
 * @param instances - from a registry: names for messages, and endpoints
 * @param warn - told of those that cannot be understood
 */
export function grpcAddressesOf(
  instances: readonly { readonly what: string; readonly endpoints: readonly string[] }[],
  warn: (message: string) => void,
): Address[] {
  const found = new Map<string, Address>();
  for (const { what, endpoints } of instances) {
    const address = grpcAddressOf(endpoints);
    if (!address) continue;
    if ('problem' in address) warn(`${what}: ${address.problem}; it is left out`);
    else found.set(formatHostPort(address), address);
  }
  return [...found.values()];
}

/** The first endpoint that is one of gRPC without TLS, or what is wrong with it. */
function grpcAddressOf(endpoints: readonly string[]): Address | { readonly problem: string } | undefined {
  for (const endpoint of endpoints) {
    const [, host, query] = GRPC_ENDPOINT.exec(endpoint) ?? [];
    if (host === undefined || TRUE.test(new URLSearchParams(query).get('isSecure') ?? '')) continue;
    return parseHostPort(host) ?? { problem: `${JSON.stringify(endpoint)} has no host:port` };
  }
  return undefined;
}
