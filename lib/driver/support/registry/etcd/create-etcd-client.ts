import type { Etcd3, IOptions } from 'etcd3';
import { formatHostPort, type HostPort } from '../../../../support/host-port.js';
import { importPackage } from '../../../../support/load-package.js';
import type { RegistryTls } from '../registry-tls.js';
import type { EtcdOptions } from './etcd-options.js';

/** Time-out of a single request. */
const REQUEST_TIMEOUT_MS = 3000;

/** Pings on an idle connection reveal a dead one; etcd closes connections that ping much more often. */
const KEEPALIVE_MS = 30_000;

type Policy = NonNullable<NonNullable<IOptions['faultHandling']>['global']>;

const NEVER = new AbortController().signal;

/** No retries and no circuit breaker, which would stay open when etcd is back: the callers have their own retries. */
const WITHOUT_RETRIES = {
  execute: async <T>(work: (context: { signal: AbortSignal }) => T | Promise<T>): Promise<T> => work({ signal: NEVER }),
  onSuccess: () => ({ dispose: () => undefined }),
  onFailure: () => ({ dispose: () => undefined }),
} as unknown as Policy;

/**
 * Creates a client of etcd, which connects with its first request.
 *
 * @param hosts - members of one cluster
 * @throws DtmConfigError when the package etcd3 is not installed
 */
export async function createEtcdClient(hosts: readonly HostPort[], options: EtcdOptions): Promise<Etcd3> {
  const { Etcd3: Client } = await importPackage(() => import('etcd3'), 'etcd3', 'etcd');
  const { user, password = '', tls } = options;
  return new Client({
    hosts: hosts.map((host) => `${tls ? 'https' : 'http'}://${formatHostPort(host)}`),
    ...(user !== undefined && { auth: { username: user, password } }),
    ...(tls && { credentials: credentialsOf(tls) }),
    defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: Date.now() + REQUEST_TIMEOUT_MS }),
    faultHandling: { host: () => WITHOUT_RETRIES, global: WITHOUT_RETRIES },
    // each service of etcd has a channel; with separate pools, the channels could not share a connection
    grpcOptions: {
      'grpc.enable_http_proxy': 0,
      'grpc.keepalive_time_ms': KEEPALIVE_MS,
      'grpc.initial_reconnect_backoff_ms': 200,
      'grpc.max_reconnect_backoff_ms': 2000,
    },
  });
}

function credentialsOf({ ca, cert, key }: RegistryTls): NonNullable<IOptions['credentials']> {
  return {
    // without a certificate gRPC uses those of Node, which the types do not allow for
    rootCertificate: (ca === undefined ? null : Buffer.from(ca as string)) as Buffer,
    ...(key !== undefined && { privateKey: Buffer.from(key as string) }),
    ...(cert !== undefined && { certChain: Buffer.from(cert as string) }),
  };
}
