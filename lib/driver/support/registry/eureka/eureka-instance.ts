import { formatHostPort, parseHostPort } from '../../../../support/host-port.js';
import type { Address } from '../../lookup/address.js';

/** An instance that is entered. */
export interface EurekaInstance {
  /** Its name, as others look for it. */
  readonly service: string;
  /** Where it is reached. */
  readonly address: Address;
  /** Whether its port is one of TLS. @default false */
  readonly secure?: boolean | undefined;
  /** What others may want to know. @default nothing */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** An instance that was found, and is up. */
export interface EurekaEntry {
  /** Where it is reached; `secure` when that is a port of TLS. */
  readonly address: Address;
}

/** An instance as Eureka's answers have it, as far as it matters here. */
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

/** Name under which Eureka files a service: it is part of the path, and has to be the same in the body. */
export function appOf({ service }: EurekaInstance): string {
  return service.toUpperCase();
}

/** Tells the instances of an application apart; written as Spring does. */
export function idOf({ service, address }: EurekaInstance): string {
  return `${address.host}:${service}:${address.port}`;
}

/**
 * What is entered: the fields that Spring's client sends.
 *
 * @param instance - which one
 * @param heartbeatSeconds - time between its heartbeats
 */
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

/**
 * Whether an instance serves a name: Spring looks for virtual host names, without regard to case.
 *
 * @param instance - from Eureka
 * @param service - in any case
 */
export function serves({ vipAddress, secureVipAddress }: InstanceInfo, service: string): boolean {
  const names = `${String(vipAddress ?? '')},${String(secureVipAddress ?? '')}`.toUpperCase().split(',');
  return names.includes(service.toUpperCase());
}

/**
 * Where an instance is reached, by its secure port where it has one.
 *
 * @param instance - from Eureka
 * @returns undefined when that cannot be read
 */
export function addressOf({ hostName, port, securePort }: InstanceInfo): Address | undefined {
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
