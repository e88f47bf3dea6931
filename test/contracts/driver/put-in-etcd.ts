import type { EtcdServer } from '../../services/etcd.mjs';

/** Puts a key through etcd's JSON gateway, without the client under test. */
export async function putInEtcd({ url }: Pick<EtcdServer, 'url'>, key: string, value: string): Promise<void> {
  const body = JSON.stringify({ key: base64(key), value: base64(value) });
  const answer = await fetch(`${url}/v3/kv/put`, { method: 'POST', body });
  if (!answer.ok) throw new Error(`etcd answered ${answer.status}: ${await answer.text()}`);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
