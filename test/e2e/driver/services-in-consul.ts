import type { ConsulServer } from '../../services/consul.mjs';

/** A service in the format of Consul's agent, without fields that depend on the time. */
export interface ShownService {
  readonly ID: string;
  readonly [field: string]: unknown;
}

/** A check of a service. */
export interface ShownCheck {
  readonly [field: string]: unknown;
}

/**
 * Lists the services of an agent with their checks, without the client under test.
 *
 * @param server - Consul
 * @param service - name of the services
 */
export async function servicesInConsul({ url }: Pick<ConsulServer, 'url'>, service: string): Promise<ShownService[]> {
  const filter = new URLSearchParams({ filter: `Service == "${service}"` });
  const services = await get<Record<string, ShownService>>(`${url}/v1/agent/services?${filter}`);
  return Object.values(services);
}

/**
 * Lists the checks of a service, without fields that depend on the time.
 *
 * @param server - Consul
 * @param service - name of the service
 */
export async function checksInConsul({ url }: Pick<ConsulServer, 'url'>, service: string): Promise<ShownCheck[]> {
  const checks = await get<Record<string, Record<string, unknown>>>(`${url}/v1/agent/checks`);
  return Object.values(checks)
    .filter((check) => check['ServiceName'] === service)
    .map(({ Node: _node, CheckID, Name, ServiceTags, Type, Interval, Timeout, Status }) => ({
      CheckID,
      Name,
      ServiceTags,
      Type,
      Interval: orNone(Interval),
      Timeout: orNone(Timeout),
      Status,
    }));
}

/** Go's driver registers its check twice, which writes zeros for absent fields. */
function orNone(time: unknown): unknown {
  return time === '0s' ? '' : time;
}

async function get<T>(url: string): Promise<T> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`consul answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as T;
}
