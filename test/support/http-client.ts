import { request } from 'undici';

/** A raw HTTP answer. */
export interface RawAnswer {
  readonly status: number;
  readonly type: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Sends a request and returns the raw answer, without following redirects. */
export async function send(method: string, url: string, body?: string | Uint8Array): Promise<RawAnswer> {
  const answer = await request(url, {
    method,
    body: body ?? null,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
  });
  return {
    status: answer.statusCode,
    type: String(answer.headers['content-type'] ?? ''),
    headers: answer.headers,
    body: await answer.body.text(),
  };
}

export function get(url: string): Promise<RawAnswer> {
  return send('GET', url);
}

/** Posts a value as JSON, or a string unchanged. */
export function post(url: string, body: unknown): Promise<RawAnswer> {
  return send('POST', url, typeof body === 'string' ? body : JSON.stringify(body));
}
