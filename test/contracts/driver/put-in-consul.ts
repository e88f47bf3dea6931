import type { ConsulServer } from '../../services/consul.mjs';

/** Registers a service through Consul's API, without the client under test. */
export async function putInConsul({ url }: Pick<ConsulServer, 'url'>, service: object): Promise<void> {
  const body = JSON.stringify(service);
  const answer = await fetch(`${url}/v1/agent/service/register`, { method: 'PUT', body });
  if (!answer.ok) throw new Error(`consul answered ${answer.status}: ${await answer.text()}`);
}
