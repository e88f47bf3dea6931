/** A service to register with an agent. */
export interface ConsulInstance {
  /** Identifies the instance on its agent. */
  readonly id: string;
  /** Name of the service. */
  readonly name: string;
  /** Tags that queries can filter by. */
  readonly tags: readonly string[];
  /** Metadata. @default none */
  readonly meta?: Readonly<Record<string, string>> | undefined;
  /** Host of the service. */
  readonly address: string;
  /** Port of the service. */
  readonly port: number;
  /** Further addresses by their tags. @default none */
  readonly taggedAddresses?: Readonly<Record<string, ConsulTaggedAddress>> | undefined;
  /** Health checks. */
  readonly checks: readonly ConsulCheck[];
  /** How often TTL checks are passed; without a TTL check, how often the agent is asked for the instance. */
  readonly heartbeatSeconds: number;
  /** ACL token. @default the token of `ConsulOptions` */
  readonly token?: string | undefined;
}

/** A tagged address of a service. */
export interface ConsulTaggedAddress {
  /** Frameworks write a whole URL. */
  readonly address: string;
  readonly port: number;
}

/** A health check: the service reports, or the agent connects. */
export type ConsulCheck = ConsulTtlCheck | ConsulTcpCheck;

interface CheckBase {
  /** Status before the first result. @default critical */
  readonly status?: 'passing' | undefined;
  /** Seconds in a critical state after which Consul deregisters the service. */
  readonly deregisterAfterSeconds: number;
}

/** The service is healthy while it reports. */
export interface ConsulTtlCheck extends CheckBase {
  /** Identifies the check on its agent. */
  readonly id: string;
  /** Display name. @default Consul's default */
  readonly name?: string | undefined;
  /** Seconds that a report is valid. */
  readonly ttlSeconds: number;
}

/** The service is healthy while it accepts connections. */
export interface ConsulTcpCheck extends CheckBase {
  /** `host:port`. */
  readonly tcp: string;
  /** Seconds between two connections. */
  readonly intervalSeconds: number;
}

/** Time-out of a TCP check; the frameworks write the same. */
const TCP_TIMEOUT = '5s';

/** The body of a registration at an agent. */
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
