import type { NacosServer } from '../../services/nacos.mjs';

/** An instance in the format of Nacos. */
export interface ShownInstance {
  readonly ip: string;
  readonly port: number;
  readonly healthy: boolean;
  readonly [field: string]: unknown;
}

/**
 * Lists the instances of a service, without the client under test.
 *
 * @param server - Nacos
 * @param service - name of the service, with or without its group
 */
export async function instancesInNacos(
  { url }: Pick<NacosServer, 'url'>,
  service: string,
): Promise<readonly ShownInstance[]> {
  const answer = await fetch(`${url}/v1/ns/instance/list?serviceName=${encodeURIComponent(service)}`);
  return ((await answer.json()) as { hosts: readonly ShownInstance[] }).hosts;
}
