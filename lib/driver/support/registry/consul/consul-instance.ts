/** A service that is registered with an agent. */
export interface ConsulInstance {
  /** Tells it from the others of the agent. */
  readonly id: string;
  /** Name of the service. */
  readonly name: string;
  /** What it can be chosen by. */
  readonly tags: readonly string[];
  /** What is known about it. @default nothing */
  readonly meta?: Readonly<Record<string, string>> | undefined;
  /** Host on which it is reached. */
  readonly address: string;
  /** Port on which it is reached. */
  readonly port: number;
  /** Further addresses, by what they are for. @default none */
  readonly taggedAddresses?: Readonly<Record<string, ConsulTaggedAddress>> | undefined;
  /** Who says how it is. */
  readonly checks: readonly ConsulCheck[];
  /** How often the checks with a time to live are told that it is well, or else whether it is still registered. */
  readonly heartbeatSeconds: number;
  /** Secret of a token, in place of the one of `ConsulOptions`. @default that one */
  readonly token?: string | undefined;
}

/** One of the addresses of a service. */
export interface ConsulTaggedAddress {
  /** Frameworks write whole URLs here. */
  readonly address: string;
  /** Its port. */
  readonly port: number;
}

/** Who says how a service is: the service itself, or the agent, which connects to it. */
export type ConsulCheck = ConsulTtlCheck | ConsulTcpCheck;

interface CheckBase {
  /** How it is before the first answer. @default critical */
  readonly status?: 'passing' | undefined;
  /** A service in a critical state for as long is dropped, in seconds. */
  readonly deregisterAfterSeconds: number;
}

/** The service is well while it says so. */
export interface ConsulTtlCheck extends CheckBase {
  /** Tells the check from others of the agent. */
  readonly id: string;
  /** For people. @default consul's own */
  readonly name?: string | undefined;
  /** How long it is believed, in seconds. */
  readonly ttlSeconds: number;
}

/** The service is well while it takes connections. */
export interface ConsulTcpCheck extends CheckBase {
  /** `host:port`. */
  readonly tcp: string;
  /** Between two connections, in seconds. */
  readonly intervalSeconds: number;
}

/** Longest time for a connection, as the frameworks'. */
const TCP_TIMEOUT = '5s';

/**
 * What consul's agent is told of an instance.
 *
 * @param instance - is registered
 */
export function registrationOf(instance: ConsulInstance): object {
  const { id, name, tags, meta, address, port, taggedAddresses, checks } = instance;
  return {
    ID: id,
    Name: name,
    Tags: tags,
    Port: port,
    Address: address,
    ...(taggedAddresses && {
      TaggedAddresses: Object.fromEntries(
        Object.entries(taggedAddresses).map(([tag, one]) => [tag, { Address: one.address, Port: one.port }]),
      ),
    }),
    Meta: meta ?? null,
    Checks: checks.map((check) => ({
      ...('ttlSeconds' in check
        ? { CheckID: check.id, ...(check.name !== undefined && { Name: check.name }), TTL: `${check.ttlSeconds}s` }
        : { TCP: check.tcp, Interval: `${check.intervalSeconds}s`, Timeout: TCP_TIMEOUT }),
      ...(check.status && { Status: check.status }),
      DeregisterCriticalServiceAfter: `${check.deregisterAfterSeconds}s`,
    })),
  };
}
