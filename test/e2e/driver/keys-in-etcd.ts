import type { EtcdServer } from '../../services/etcd.mjs';

/** A key as it stands in etcd. */
export interface KeyInEtcd {
  readonly key: string;
  readonly value: string;
  /** Its lease, decimal; undefined without one. */
  readonly lease: string | undefined;
  /** Life that the lease was granted, in seconds. */
  readonly ttl: number | undefined;
}

/** Everything below a prefix, read over etcd's JSON gateway: not by the client that is tested. */
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
