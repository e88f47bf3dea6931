import { request } from 'undici';

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly type: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Sends a request, follows nothing, gives back the answer as it is. */
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

/** GET. */
export function get(url: string): Promise<RawAnswer> {
  return send('GET', url);
}

/** POST of a value as JSON, or of a text as it is. */
export function post(url: string, body: unknown): Promise<RawAnswer> {
  return send('POST', url, typeof body === 'string' ? body : JSON.stringify(body));
}
