import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { get, send } from '../../support/http-client.js';
import { SUCCESS_ANSWER, failure, startHttpCoordinator, type HttpCoordinator } from '../../support/http-coordinator.js';
import { FAILURE, SUCCESS, UNKNOWN } from '../../support/scripted-transport.js';
import { settled } from '../../support/virtual-clock.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const SAGA = { trans_type: 'saga', steps: [{ action: 'http://b/a' }], payloads: ['{}'], retry_interval: 200 };

let dtm: HttpCoordinator;

beforeEach(async () => {
  dtm = await startHttpCoordinator();
});

/** Submits sagas whose first attempt gives no decision. */
async function stuck(...gids: string[]): Promise<void> {
  dtm.transport.answer('01 action', ...gids.map(() => UNKNOWN), SUCCESS);
  for (const gid of gids) await dtm.post('submit', { ...SAGA, gid });
  await settled();
}

it.each(['GET', 'POST'])('ping answers %s', async (method) => {
  const url = `${new URL(dtm.base).origin}/api/ping`;
  expect(await send(method, url)).toMatchObject({ status: 200, body: '{"msg":"pong"}' });
});

it('metrics are served', async () => {
  const { status, type } = await get(`${new URL(dtm.base).origin}/api/metrics`);
  expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
});

describe('resetNextCronTime', () => {
  it('makes one transaction due now, and no other', async () => {
    await stuck('g', 'h');
    await dtm.clock.advance(5000);
    expect(dtm.transport.calls).toHaveLength(2);
    expect(await dtm.answer('resetNextCronTime', { gid: 'g' })).toBe(SUCCESS_ANSWER);
    await dtm.clock.advance(1000);
    expect(await dtm.show('g')).toMatch(/^succeed/);
    expect(await dtm.show('h')).toMatch(/^submitted/);
  });

  it('does not change a transaction that is final or has a running pass', async () => {
    const held = dtm.transport.hold('01 action');
    await dtm.post('submit', { ...SAGA, gid: 'g' });
    await held.arrived;
    const before = await dtm.find('g');
    expect(await dtm.answer('resetNextCronTime', { gid: 'g' })).toBe(SUCCESS_ANSWER);
    expect(await dtm.find('g')).toEqual(before);
    held.answer(SUCCESS);
    await settled();
    expect(await dtm.answer('resetNextCronTime', { gid: 'g' })).toBe(SUCCESS_ANSWER);
    await dtm.clock.advance(5000);
    expect(dtm.transport.keys).toEqual(['01 action']);
  });

  it('of an unknown gid is an error', async () => {
    expect(await dtm.answer('resetNextCronTime', { gid: 'g' })).toBe(failure('no TransGlobal with gid: g found'));
  });
});

describe('resetCronTime', () => {
  it('makes transactions due now that would wait longer than the time-out', async () => {
    await stuck('g1', 'g2');
    await dtm.post('submit', { ...SAGA, gid: 'soon', retry_interval: 100, steps: [{ action: 'http://b/a' }] });
    expect((await dtm.get('resetCronTime?timeout=300')).body).toBe('{"has_remaining":false,"succeed_count":0}');
    expect((await dtm.get('resetCronTime')).body).toBe('{"has_remaining":false,"succeed_count":2}');
    await dtm.clock.advance(1000);
    for (const gid of ['g1', 'g2']) expect(await dtm.show(gid)).toMatch(/^succeed/);
  });

  it('stops at the limit and reports that there may be more', async () => {
    await stuck('g1', 'g2', 'g3');
    expect((await dtm.get('resetCronTime?timeout=10&limit=2')).body).toBe('{"has_remaining":true,"succeed_count":2}');
    expect((await dtm.get('resetCronTime?timeout=10&limit=2')).body).toBe('{"has_remaining":false,"succeed_count":1}');
  });

  it('wakes none with a limit of 0, and thousands with a limit of thousands', async () => {
    const gids = Array.from({ length: 1200 }, (_, index) => `g${index}`);
    await stuck(...gids);
    expect((await dtm.get('resetCronTime?timeout=10&limit=0')).body).toBe('{"has_remaining":true,"succeed_count":0}');
    expect((await dtm.get('resetCronTime?timeout=10&limit=5000')).body).toBe(
      '{"has_remaining":false,"succeed_count":1200}',
    );
  });

  it.each(['timeout=x', 'limit=x', 'limit=-1'])('with %s is an error', async (query) => {
    const text = query.split('=')[1]!;
    expect(await dtm.get(`resetCronTime?${query}`)).toMatchObject({
      status: 500,
      body: JSON.stringify({ message: `convert to int error: ${text}` }),
    });
  });
});

describe('retryTarget', () => {
  const at = (gid: string, url: string) => ({ ...SAGA, gid, steps: [{ action: url }] });

  it('makes transactions due now that wait for the target, and no others', async () => {
    dtm.transport.answer('01 action', ...Array.from({ length: 4 }, () => UNKNOWN), SUCCESS);
    const urls = ['http://b/a', 'http://b/other?x=1', 'http://b:8080/a', 'http://bb/a'];
    for (const [index, url] of urls.entries()) await dtm.post('submit', at(`g${index}`, url));
    await settled();
    expect(await dtm.answer('retryTarget', { target: 'http://b' })).toBe(
      '200 {"has_remaining":false,"succeed_count":2}',
    );
    await settled();
    const states = await Promise.all(urls.map((_, index) => dtm.show(`g${index}`)));
    expect(states.map((state) => state.split(':')[0])).toEqual(['succeed', 'succeed', 'submitted', 'submitted']);
  });

  it('stops at the limit, which is a hundred by default', async () => {
    const gids = Array.from({ length: 130 }, (_, index) => `g${index}`);
    await stuck(...gids);
    expect(await dtm.answer('retryTarget', { target: 'http://b', limit: 5 })).toBe(
      '200 {"has_remaining":true,"succeed_count":5}',
    );
    expect(await dtm.answer('retryTarget', { target: 'http://b' })).toBe(
      '200 {"has_remaining":true,"succeed_count":100}',
    );
    await dtm.clock.advance(5000);
    expect(await dtm.answer('retryTarget', { target: 'http://b', limit: 1000 })).toBe(
      '200 {"has_remaining":false,"succeed_count":25}',
    );
  });

  it.each([
    [{}, 'target must be the beginning of branch URLs, e.g. http://bank:3000'],
    [{ target: '' }, 'target must be the beginning of branch URLs, e.g. http://bank:3000'],
    [{ target: 5 }, 'target must be a string, not 5'],
    [{ target: 'http://b', limit: 'x' }, /^limit must be a whole number/],
    [{ target: 'http://b', limit: -1 }, /^limit must be a whole number/],
  ])('with %j is an error', async (body, message) => {
    const answer = await dtm.post('retryTarget', body);
    expect(answer.status).toBe(500);
    const { message: text } = JSON.parse(answer.body) as { message: string };
    if (typeof message === 'string') expect(text).toBe(message);
    else expect(text).toMatch(message);
  });
});

describe('a lease of another process', () => {
  /** A transaction in a call of one coordinator, and another coordinator on its store. */
  const leased = async (request_timeout?: number) => {
    const held = dtm.transport.hold('01 action');
    await dtm.post('submit', { ...SAGA, gid: 'g', request_timeout });
    await held.arrived;
    const other = await startHttpCoordinator({ store: dtm.store, clock: dtm.clock });
    await dtm.clock.advance(5000);
    expect(other.transport.calls).toEqual([]);
    onTestFinished(() => held.answer(SUCCESS));
    return { other, held };
  };

  it.each([
    ['resetNextCronTime', (other: HttpCoordinator) => other.answer('resetNextCronTime', { gid: 'g' })],
    ['retryTarget', (other: HttpCoordinator) => other.answer('retryTarget', { target: 'http://b' })],
    ['resetCronTime', async (other: HttpCoordinator) => (await other.get('resetCronTime')).body],
  ])('is ended by %s, so that the transaction goes on when the process is dead', async (_, run) => {
    const { other, held } = await leased(500);
    expect(await run(other)).toMatch(/SUCCESS|"succeed_count":1/);
    await dtm.clock.advance(1000);
    expect(other.transport.keys).toEqual(['01 action']);
    expect(await other.show('g')).toMatch(/^succeed/);
    // the process was alive after all: it has lost the lease, and stores nothing
    held.answer(FAILURE);
    await settled();
    expect(await other.show('g')).toMatch(/^succeed/);
  });

  it('of the usual length is left to its process by retryTarget and resetCronTime', async () => {
    const { other } = await leased();
    expect(await other.answer('retryTarget', { target: 'http://b' })).toContain('"succeed_count":0');
    expect((await other.get('resetCronTime?timeout=0')).body).toContain('"succeed_count":0');
  });

  it('stays with the process that runs the pass when that process is asked', async () => {
    const { other } = await leased(500);
    const before = await dtm.find('g');
    await dtm.answer('resetNextCronTime', { gid: 'g' });
    expect(await dtm.answer('retryTarget', { target: 'http://b' })).toContain('"succeed_count":0');
    expect(await dtm.find('g')).toEqual(before);
    expect(other.transport.calls).toEqual([]);
  });
});

describe('key-value records', () => {
  const keysOf = (body: string): string[] => (JSON.parse(body) as { kv: { k: string }[] }).kv.map(({ k }) => k);

  beforeEach(async () => {
    for (const topic of ['a', 'b', 'c', 'd', 'e']) await dtm.get(`subscribe?topic=${topic}&url=http%3A%2F%2Fb%2Fs`);
  });

  it('are scanned page by page', async () => {
    const pages: string[][] = [];
    let position = '';
    do {
      const { body } = await dtm.get(`scanKV?cat=topics&limit=2&position=${position}`);
      pages.push(keysOf(body));
      position = (JSON.parse(body) as { next_position: string }).next_position;
    } while (position);
    expect(pages).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  it.each([
    ['scanKV', 'a b c d e'],
    ['scanKV?cat=nope', ''],
    ['queryKV', 'a b c d e'],
    ['queryKV?cat=topics', 'a b c d e'],
    ['queryKV?cat=topics&key=c', 'c'],
    ['queryKV?cat=nope&key=c', ''],
  ])('%s gives %s', async (path, keys) => {
    const { status, body } = await dtm.get(path);
    expect([status, keysOf(body).join(' ')]).toEqual([200, keys]);
  });

  it('are not scanned with an invalid position or limit', async () => {
    expect((await dtm.get('scanKV?position=x')).status).toBe(500);
    expect((await dtm.get('scanKV?limit=x')).body).toBe('{"message":"convert to int error: x"}');
  });
});
