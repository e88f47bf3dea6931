// @ts-check
import { once } from 'node:events';
import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { text } from 'node:stream/consumers';

import { requireProgram } from './programs.mjs';
import { startServer } from './server.mjs';

/** @import { IncomingMessage } from 'node:http' */
/** @import { ServerControl } from './server.mjs' */

/**
 * A running etcd.
 *
 * @typedef {object} EtcdInfo
 * @property {string} host
 * @property {number} port gRPC, and the JSON gateway under `/v3`.
 * @property {string} url
 */

/** @typedef {EtcdInfo & ServerControl} EtcdServer */

/**
 * Options of {@link startEtcd}.
 *
 * @typedef {object} EtcdOptions
 * @property {{ user: string, password: string }} [auth] A user with all rights; requests without login have none. Default:
 *   no access control.
 * @property {{ cert: string, key: string }} [tls] A certificate for 127.0.0.1 with its key, as PEM. Default: no TLS.
 */

const host = '127.0.0.1';

/**
 * Starts an empty etcd with one member.
 *
 * @param {EtcdOptions} [options]
 * @returns {Promise<EtcdServer>}
 */
export async function startEtcd({ auth, tls } = {}) {
  const etcd = requireProgram('etcd', 'etcd');
  const scheme = tls ? 'https' : 'http';

  const { ports, ...control } = await startServer({
    name: 'etcd',
    portCount: 2,
    stopSignal: 'SIGTERM',
    prepare: () => Object.entries(tls ?? {}).map(([file, input]) => ({ program: 'tee', args: [file], input })),
    command: (_, [client, peer]) => ({
      program: etcd,
      args: [
        '--data-dir=data',
        '--logger=zap',
        `--listen-client-urls=${scheme}://${host}:${client}`,
        `--advertise-client-urls=${scheme}://${host}:${client}`,
        `--listen-peer-urls=http://${host}:${peer}`,
        `--initial-advertise-peer-urls=http://${host}:${peer}`,
        `--initial-cluster=default=http://${host}:${peer}`,
        '--unsafe-no-fsync', // data survives `kill`, but not a crash of the machine
        ...(tls ? ['--cert-file=cert', '--key-file=key'] : []),
      ],
    }),
    isReady: (_, log) => log.includes('serving client traffic'),
  });

  const port = Number(ports[0]);
  const url = `${scheme}://${host}:${port}`;
  try {
    if (auth) await requireLogin(url, auth);
  } catch (error) {
    await control.stop();
    throw error;
  }
  return { host, port, url, ...control };
}

/**
 * @param {string} url
 * @param {{ user: string, password: string }} auth
 */
async function requireLogin(url, { user, password }) {
  // etcd needs the user root before it enables authentication
  for (const name of new Set(['root', user])) {
    await post(`${url}/v3/auth/user/add`, { name, password });
    await post(`${url}/v3/auth/user/grant`, { user: name, role: 'root' });
  }
  await post(`${url}/v3/auth/enable`, {});
}

/**
 * @param {string} url
 * @param {object} body
 */
async function post(url, body) {
  const request = url.startsWith('https:') ? requestTls : requestPlain;
  // the local test server needs no verification
  const sent = request(url, { method: 'POST', rejectUnauthorized: false });
  sent.end(JSON.stringify(body));
  const [response] = /** @type {[IncomingMessage]} */ (await once(sent, 'response'));
  const answer = await text(response);
  if (response.statusCode !== 200) throw new Error(`etcd refused ${url}: ${answer}`);
}
