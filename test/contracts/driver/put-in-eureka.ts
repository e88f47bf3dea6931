import type { EurekaServer } from '../../services/eureka.mjs';

/**
 * Registers an instance in Eureka, without the client under test.
 *
 * @param server - Eureka
 * @param service - name of the service
 * @param hostName - host of the instance
 * @param fields - further fields
 */
export async function putInEureka(
  { url }: Pick<EurekaServer, 'url'>,
  service: string,
  hostName: string,
  fields: object = {},
): Promise<void> {
  const app = service.toUpperCase();
  const instance = {
    instanceId: `${hostName}:${service}`,
    hostName,
    app,
    ipAddr: '127.0.0.1',
    vipAddress: service,
    status: 'UP',
    port: { $: 1, '@enabled': 'true' },
    dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
    ...fields,
  };
  const body = JSON.stringify({ instance });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${url}/apps/${app}`, { method: 'POST', headers, body });
  if (!answer.ok) throw new Error(`Eureka answered ${answer.status}: ${await answer.text()}`);
}
