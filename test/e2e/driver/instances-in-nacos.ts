import type { NacosServer } from '../../services/nacos.mjs';

/** An instance as Nacos shows it. */
export interface ShownInstance {
  readonly ip: string;
  readonly port: number;
  readonly healthy: boolean;
  readonly [field: string]: unknown;
}

/**
 * Instances of a service, not by the client that is tested.
 *
 * @param server - Nacos
 * @param service - its name, with its group or without
 */
export async function instancesInNacos(
  { url }: Pick<NacosServer, 'url'>,
  service: string,
): Promise<readonly ShownInstance[]> {
  const answer = await fetch(`${url}/v1/ns/instance/list?serviceName=${encodeURIComponent(service)}`);
  return ((await answer.json()) as { hosts: readonly ShownInstance[] }).hosts;
}
