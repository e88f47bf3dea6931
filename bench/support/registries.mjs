import { request } from 'undici';
import { startConsul } from '../../test/services/consul.mjs';
import { startEtcd } from '../../test/services/etcd.mjs';
import { startNacos } from '../../test/services/nacos.mjs';

/** @import { ServerControl } from '../../test/services/server.mjs' */

/**
 * A running registry.
 *
 * @typedef {object} Registry
 * @property {string} host
 * @property {number} port
 * @property {(service: string, address: string) => Promise<void>} put - sets the only address of a service, without the
 *   measured code
 * @property {ServerControl['stop']} stop
 */

/** @typedef {'etcd' | 'consul' | 'nacos'} RegistryName */

/** @type {Record<RegistryName, () => Promise<Registry>>} */
export const startRegistry = {
  etcd: async () => {
    const { host, port, url, stop } = await startEtcd();
    return {
      host,
      port,
      stop,
      put: async (service, address) => {
        const [key, value] = [`${service}/1`, address].map((text) => Buffer.from(text).toString('base64'));
        await send('POST', `${url}/v3/kv/put`, JSON.stringify({ key, value }));
      },
    };
  },
  consul: async () => {
    const { host, port, url, stop } = await startConsul();
    return {
      host,
      port,
      stop,
      put: async (service, address) => {
        const [Address, Port] = address.split(':');
        const body = JSON.stringify({ ID: service, Name: service, Address, Port: Number(Port) });
        await send('PUT', `${url}/v1/agent/service/register`, body);
      },
    };
  },
  nacos: async () => {
    const { host, port, url, stop } = await startNacos();
    const hour = String(3_600_000);
    const metadata = JSON.stringify({ 'preserved.heart.beat.timeout': hour, 'preserved.ip.delete.timeout': hour });
    /** @type {Map<string, string>} */
    const put = new Map();
    /**
     * Registers or deregisters an instance. No heartbeats are sent, so the instance expires after an hour only.
     *
     * @param {'POST' | 'DELETE'} method
     * @param {string} service
     * @param {string} address
     */
    const change = async (method, service, address) => {
      const [ip = '', at = ''] = address.split(':');
      const query = new URLSearchParams({ serviceName: service, ip, port: at, ephemeral: 'true', metadata });
      await send(method, `${url}/v1/ns/instance?${query}`);
    };
    return {
      host,
      port,
      stop,
      put: async (service, address) => {
        await change('POST', service, address);
        const before = put.get(service);
        put.set(service, address);
        if (before !== undefined && before !== address) await change('DELETE', service, before);
      },
    };
  },
};

/**
 * @param {'POST' | 'PUT' | 'DELETE'} method
 * @param {string} url
 * @param {string} [body]
 */
async function send(method, url, body) {
  const answer = await request(url, { method, ...(body !== undefined && { body }) });
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`${url} answered ${answer.statusCode}: ${text}`);
}
