import type { NacosServer } from '../../services/nacos.mjs';

/**
 * Registers an instance in Nacos, without the client under test.
 *
 * @param server - Nacos
 * @param service - name of the service
 * @param ip - host of the instance
 * @param parameters - further parameters
 */
export async function putInNacos(
  { url }: Pick<NacosServer, 'url'>,
  service: string,
  ip: string,
  parameters: Readonly<Record<string, string>> = {},
): Promise<void> {
  const query = new URLSearchParams({ serviceName: service, ip, port: '1', ephemeral: 'true', ...parameters });
  const answer = await fetch(`${url}/v1/ns/instance?${query}`, { method: 'POST' });
  if (!answer.ok) throw new Error(`Nacos answered ${answer.status}: ${await answer.text()}`);
}
