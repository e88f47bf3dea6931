import { DtmConfigError } from '../../../protocol/internal.js';
import { formatHostPort, parseHostPort, type HostPort } from '../../../support/host-port.js';
import { parseEndpoint } from '../base/parse-endpoint.js';

/** An instance to register. Its JSON, in this order, is what kratos and sponge read. */
export interface ServiceInstance {
  /** Identifies the instance of the service. */
  readonly id: string;
  /** Name of the service. */
  readonly name: string;
  /** Version of the program; dtm writes none. */
  readonly version: '';
  /** Metadata; dtm writes none. */
  readonly metadata: null;
  /** URLs of the instance, `grpc://host:port`. */
  readonly endpoints: readonly string[];
}

/** An endpoint of an instance. */
export interface InstanceEndpoint extends HostPort {
  /** The endpoint as it was written. */
  readonly url: string;
  /** Scheme of the URL. */
  readonly scheme: 'grpc' | 'http';
}

/** The endpoints of an instance. */
export type InstanceEndpoints = readonly [InstanceEndpoint, ...InstanceEndpoint[]];

/** An instance that was found in a registry. */
export interface RegisteredInstance {
  /** Names the instance in messages. */
  readonly name: string;
  /** URLs of the instance. */
  readonly endpoints: readonly string[];
}

/** `host:port` and a query. */
const GRPC_ENDPOINT = /^grpc:\/\/([^/?#]*)[^?#]*(?:\?([^#]*))?/i;

/** Texts that Go parses as true. */
const TRUE = /^(?:1|t|T|true|TRUE|True)$/;

/**
 * Parses the endpoint of a registration.
 *
 * @param endpoint - `grpc://host:port` or `http://host:port`; several are separated by commas
 * @param driver - names the driver in the message
 * @throws DtmConfigError with the expected format
 */
export function parseEndpoints(endpoint: string, driver: string): InstanceEndpoints {
  const [first = '', ...others] = endpoint.split(',');
  return [parseInstanceEndpoint(first, driver), ...others.map((other) => parseInstanceEndpoint(other, driver))];
}

function parseInstanceEndpoint(endpoint: string, driver: string): InstanceEndpoint {
  const [, scheme, host = ''] = /^(grpc|http):\/\/([^/?#]*)$/.exec(endpoint) ?? [];
  if (scheme !== undefined) {
    return { ...parseEndpoint(host, driver), url: endpoint, scheme: scheme as 'grpc' | 'http' };
  }
  throw new DtmConfigError(
    `driver ${driver}: the endpoint is ${JSON.stringify(endpoint)}; expected grpc://host:port, e.g. grpc://bank:50051`,
  );
}

/**
 * The addresses at which gRPC calls instances: of each its first endpoint of gRPC without TLS.
 *
 * @param warn - receives a text for each endpoint that cannot be parsed
 */
export function grpcAddressesOf(instances: readonly RegisteredInstance[], warn: (message: string) => void): HostPort[] {
  const addresses = new Map<string, HostPort>();
  for (const { name, endpoints } of instances) {
    const address = grpcAddressOf(endpoints);
    if (!address) continue;
    if ('problem' in address) warn(`${name} is ignored: ${address.problem}`);
    else addresses.set(formatHostPort(address), address);
  }
  return [...addresses.values()];
}

function grpcAddressOf(endpoints: readonly string[]): HostPort | { readonly problem: string } | undefined {
  for (const endpoint of endpoints) {
    const [, host, query] = GRPC_ENDPOINT.exec(endpoint) ?? [];
    if (host === undefined || TRUE.test(new URLSearchParams(query).get('isSecure') ?? '')) continue;
    return parseHostPort(host) ?? { problem: `the endpoint ${JSON.stringify(endpoint)} has no host:port` };
  }
  return undefined;
}
