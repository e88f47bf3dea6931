/** An HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Posts a body as JSON; without a body sends GET. */
export async function askJson(url: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(url, {
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
    headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
  });
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text };
}
