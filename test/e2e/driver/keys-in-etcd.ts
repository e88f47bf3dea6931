import type { EtcdServer } from '../../services/etcd.mjs';

/** A key in etcd. */
export interface KeyInEtcd {
  readonly key: string;
  readonly value: string;
  /** Decimal id of its lease; undefined without a lease. */
  readonly lease: string | undefined;
  /** Granted TTL of the lease, in seconds. */
  readonly ttl: number | undefined;
}

/** Reads all keys below a prefix through etcd's JSON gateway, without the client under test. */
export async function keysInEtcd(etcd: Pick<EtcdServer, 'url'>, prefix: string): Promise<KeyInEtcd[]> {
  const range = { key: encoded(prefix), range_end: encoded(`${prefix}\u{7f}`) };
  const { kvs = [] } = await post<{ kvs?: { key: string; value?: string; lease?: string }[] }>(etcd, 'kv/range', range);
  return Promise.all(
    kvs.map(async ({ key, value = '', lease }) => ({
      key: decoded(key),
      value: decoded(value),
      lease,
      ttl: lease === undefined ? undefined : await ttlOf(etcd, lease),
    })),
  );
}

async function ttlOf(etcd: Pick<EtcdServer, 'url'>, lease: string): Promise<number> {
  const { grantedTTL } = await post<{ grantedTTL: string }>(etcd, 'lease/timetolive', { ID: lease });
  return Number(grantedTTL);
}

async function post<T>({ url }: Pick<EtcdServer, 'url'>, path: string, body: object): Promise<T> {
  const answer = await fetch(`${url}/v3/${path}`, { method: 'POST', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`etcd answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as T;
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64');
}

function decoded(text: string): string {
  return Buffer.from(text, 'base64').toString();
}
