import { formatHostPort, parseHostPort, type HostPort } from '../../../../support/host-port.js';
import type { ServiceAddress } from '../../tools/service-address.js';

/** An instance to register. */
export interface EurekaInstance {
  /** Name of the service. */
  readonly service: string;
  /** Address of the instance. */
  readonly address: HostPort;
  /** Whether the port serves TLS. @default false */
  readonly secure?: boolean | undefined;
  /** Metadata. @default none */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** An instance that was found and is up. */
export interface EurekaEntry {
  /** Address of the instance; `secure` for a port that serves TLS. */
  readonly address: ServiceAddress;
}

/** The fields of an instance in Eureka's answers that are read here. */
export interface InstanceInfo {
  readonly app?: unknown;
  readonly instanceId?: unknown;
  readonly hostName?: unknown;
  readonly status?: unknown;
  readonly port?: unknown;
  readonly securePort?: unknown;
  readonly vipAddress?: unknown;
  readonly secureVipAddress?: unknown;
  readonly actionType?: unknown;
}

/** The application name of a service, which must be the same in the path and in the body. */
export function appOf({ service }: EurekaInstance): string {
  return service.toUpperCase();
}

/** Identifies an instance of an application, in the format of Spring. */
export function idOf({ service, address }: EurekaInstance): string {
  return `${address.host}:${service}:${address.port}`;
}

/** The body of a registration, with the fields that Spring's client sends. */
export function instanceInfo(instance: EurekaInstance, heartbeatSeconds: number): object {
  const { service, address, secure = false, metadata = {} } = instance;
  const home = `${secure ? 'https' : 'http'}://${formatHostPort(address)}/`;
  const now = String(Date.now());
  return {
    instanceId: idOf(instance),
    hostName: address.host,
    app: appOf(instance),
    ipAddr: address.host,
    status: 'UP',
    overriddenStatus: 'UNKNOWN',
    port: { $: secure ? 80 : address.port, '@enabled': String(!secure) },
    securePort: { $: secure ? address.port : 443, '@enabled': String(secure) },
    countryId: 1,
    dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
    leaseInfo: { renewalIntervalInSecs: heartbeatSeconds, durationInSecs: heartbeatSeconds * 3 },
    metadata,
    homePageUrl: home,
    statusPageUrl: `${home}actuator/info`,
    healthCheckUrl: `${home}actuator/health`,
    vipAddress: service,
    secureVipAddress: service,
    isCoordinatingDiscoveryServer: 'false',
    lastUpdatedTimestamp: now,
    lastDirtyTimestamp: now,
  };
}

/** Whether an instance serves a name: Spring compares virtual host names without regard to case. */
export function serves({ vipAddress, secureVipAddress }: InstanceInfo, service: string): boolean {
  const names = `${String(vipAddress ?? '')},${String(secureVipAddress ?? '')}`.toUpperCase().split(',');
  return names.includes(service.toUpperCase());
}

/**
 * Parses the address of an instance, with its secure port when that is enabled.
 *
 * @returns undefined when the instance has no valid address
 */
export function parseAddress({ hostName, port, securePort }: InstanceInfo): ServiceAddress | undefined {
  const secure = enabledPort(securePort);
  const found = secure ?? enabledPort(port);
  if (typeof hostName !== 'string' || found === undefined) return undefined;
  const address = parseHostPort(formatHostPort({ host: hostName, port: found }));
  return address && secure !== undefined ? { ...address, secure: true } : address;
}

function enabledPort(port: unknown): number | undefined {
  const { $: number, '@enabled': enabled } = (port ?? {}) as { $?: unknown; '@enabled'?: unknown };
  return String(enabled) === 'true' ? Number(number) : undefined;
}
