import { describe, expect, it, onTestFinished } from 'vitest';
import { RegistryHttpClient, parseAnswer } from '../../../lib/driver/support/registry/registry-http-client.js';
import { Participant } from '../../support/participant.js';
import { waitUntil } from '../../support/wait-until.js';

const addressOf = ({ origin }: Participant) => ({ host: '127.0.0.1', port: Number(new URL(origin).port) });

function make(...hosts: ConstructorParameters<typeof RegistryHttpClient>[0][number][]): RegistryHttpClient {
  const registry = new RegistryHttpClient(hosts);
  onTestFinished(() => registry.close());
  return registry;
}

describe('the HTTP client of a registry', () => {
  it('sends a request, and returns the answer', async () => {
    const server = await Participant.start();
    server.answer('/v1/put', { status: 404, body: 'no such thing', headers: { 'x-index': '7' } });
    const answer = await make(addressOf(server)).send({
      method: 'PUT',
      path: '/v1/put?a=b',
      headers: { 'x-token': 't' },
      body: '{}',
    });
    expect(answer).toMatchObject({ status: 404, body: 'no such thing', headers: { 'x-index': '7' } });
    expect(server.requests).toMatchObject([{ method: 'PUT', path: '/v1/put', query: { a: 'b' }, body: '{}' }]);
    expect(server.requests[0]?.headers['x-token']).toBe('t');
  });

  it('calls the next member when one does not answer, and stays there', async () => {
    const [gone, here] = [await Participant.start(), await Participant.start()];
    const goneAddress = addressOf(gone);
    await gone.close();
    const registry = make(goneAddress, addressOf(here));
    for (let ask = 0; ask < 3; ask++) {
      expect((await registry.send({ method: 'GET', path: '/a' })).status).toBe(200);
    }
    expect(here.requests.length).toBe(3);
  });

  it('fails when no member answers', async () => {
    const gone = await Participant.start();
    const address = addressOf(gone);
    await gone.close();
    await expect(make(address).send({ method: 'GET', path: '/a' })).rejects.toThrow(/ECONNREFUSED/);
  });

  it('waits no longer than the time-out', async () => {
    const server = await Participant.start();
    server.answer('/slow', () => new Promise(() => undefined));
    const registry = make(addressOf(server));
    await expect(registry.send({ method: 'GET', path: '/slow', timeoutMs: 50 })).rejects.toThrow(/timeout/i);
    const ending = new AbortController();
    const asked = registry.send({ method: 'GET', path: '/slow', signal: ending.signal });
    ending.abort();
    await expect(asked).rejects.toThrow(/abort/i);
  });

  it('needs few connections for many requests, and one for each long poll', async () => {
    const server = await Participant.start();
    const waiting: (() => void)[] = [];
    server.answer('/wait', () => new Promise((resolve) => waiting.push(() => resolve({ status: 200 }))));
    const ask = async (isLongPoll: boolean): Promise<number> => {
      waiting.length = 0;
      const registry = make(addressOf(server));
      const asked = Array.from({ length: 40 }, () => registry.send({ method: 'GET', path: '/wait', isLongPoll }));
      await waitUntil(() => waiting.length >= (isLongPoll ? 40 : 16));
      const atATime = waiting.length;
      let isDone = false;
      const all = Promise.all(asked).finally(() => (isDone = true));
      // queued requests arrive after others are answered
      const answering = waitUntil(() => {
        for (const answer of waiting.splice(0)) answer();
        return isDone;
      });
      await Promise.all([all, answering]);
      return atATime;
    };
    expect(await ask(false)).toBe(16);
    expect(await ask(true)).toBe(40);
  });

  it('parses JSON, or shows the beginning of the answer', () => {
    const answer = (status: number, body: string) => ({ status, headers: {}, body });
    expect(parseAnswer(answer(200, '{"a":1}'))).toEqual({ a: 1 });
    expect(() => parseAnswer(answer(200, '<html>'))).toThrow('answered 200: <html>');
    expect(() => parseAnswer(answer(500, '{"a":1}'))).toThrow('answered 500: {"a":1}');
    expect(() => parseAnswer(answer(500, 'x'.repeat(1000)))).toThrow(/^answered 500: x{200}$/);
  });
});
