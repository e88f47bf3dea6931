import { beforeEach, describe, expect, it, vi } from 'vitest';
import { send } from '../../support/http-client.js';
import {
  SUCCESS_ANSWER,
  failure,
  refusal,
  startHttpCoordinator,
  type HttpCoordinator,
} from '../../support/http-coordinator.js';
import { FAILURE, ONGOING, SUCCESS, UNKNOWN } from '../../support/scripted-transport.js';
import { settled } from '../../support/virtual-clock.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const MSG = {
  gid: 'g',
  trans_type: 'msg',
  query_prepared: 'http://b/q',
  steps: [{ action: 'http://b/a1' }, { action: 'http://b/a2' }],
  payloads: ['{"n":1}', '{"n":2}'],
};

let dtm: HttpCoordinator;

beforeEach(async () => {
  dtm = await startHttpCoordinator();
});

describe('a message', () => {
  it('that is prepared and submitted is delivered without a query-back', async () => {
    expect(await dtm.answer('prepare', MSG)).toBe(SUCCESS_ANSWER);
    expect(await dtm.show('g')).toBe('prepared: 01 action prepared, 02 action prepared');
    expect(await dtm.answer('submit', { ...MSG, wait_result: true })).toBe(SUCCESS_ANSWER);
    expect(await dtm.show('g')).toBe('succeed: 01 action succeed, 02 action succeed');
    expect(dtm.transport.calls.map(({ url, payload }) => [url, payload])).toEqual([
      ['http://b/a1', '{"n":1}'],
      ['http://b/a2', '{"n":2}'],
    ]);
  });

  it('can be submitted without a prepare, and again without another delivery', async () => {
    const held = dtm.transport.hold('01 action');
    expect(await dtm.answer('submit', MSG)).toBe(SUCCESS_ANSWER);
    await held.arrived;
    expect(await dtm.answer('submit', MSG)).toBe(SUCCESS_ANSWER);
    held.answer(SUCCESS);
    await settled();
    expect(dtm.transport.keys).toEqual(['01 action', '02 action']);
    expect(await dtm.answer('submit', MSG)).toBe(refusal("current status 'succeed', cannot sumbmit."));
  });

  it('keeps its query_prepared and its delay when the submit does not name them', async () => {
    await dtm.post('prepare', { ...MSG, custom_data: '{"delay":60}' });
    await dtm.post('submit', { gid: 'g', trans_type: 'msg' });
    await settled();
    expect((await dtm.find('g')).transaction).toMatchObject({
      status: 'submitted',
      queryPrepared: 'http://b/q',
      customData: '{"delay":60}',
    });
    // even when an operator retries early
    expect(await dtm.answer('resetNextCronTime', { gid: 'g' })).toBe(SUCCESS_ANSWER);
    await dtm.clock.advance(58_000);
    expect(dtm.transport.keys).toEqual([]);
    await dtm.clock.advance(4000);
    expect(dtm.transport.keys).toEqual(['01 action', '02 action']);
  });

  it('that was prepared and submitted is claimed when it is due, and at no other time', async () => {
    dtm.transport.answer('01 action', UNKNOWN);
    await dtm.post('prepare', { ...MSG, timeout_to_fail: 20 });
    await dtm.clock.advance(5000);
    await dtm.post('submit', { ...MSG, retry_interval: 100 });
    await settled();
    expect(dtm.transport.keys).toEqual(['01 action']);
    // the query-back would have been due at 20
    await dtm.clock.advance(90_000);
    expect(dtm.transport.keys).toEqual(['01 action']);
    await dtm.clock.advance(30_000);
    expect(dtm.transport.keys).toEqual(['01 action', '01 action']);
  });

  it('that is aborted is never delivered and cannot be submitted', async () => {
    await dtm.post('prepare', MSG);
    expect(await dtm.answer('abort', { ...MSG, rollback_reason: 'no stock' })).toBe(SUCCESS_ANSWER);
    expect((await dtm.find('g')).transaction).toMatchObject({ status: 'failed', rollbackReason: 'no stock' });
    expect(await dtm.answer('submit', MSG)).toBe(refusal("current status 'failed', cannot sumbmit."));
    expect(await dtm.answer('abort', MSG)).toBe(refusal("trans type: 'msg' current status 'failed', cannot abort."));
    await dtm.clock.advance(3_600_000);
    expect(dtm.transport.keys).toEqual([]);
  });

  it('that was submitted cannot be aborted', async () => {
    dtm.transport.answer('01 action', UNKNOWN);
    await dtm.post('submit', MSG);
    await settled();
    expect(await dtm.answer('abort', MSG)).toBe(refusal("trans type: 'msg' current status 'submitted', cannot abort."));
  });

  it.each(['saga', 'tcc', 'xa', 'workflow'])('cannot be aborted as a %s', async (transType) => {
    await dtm.post('prepare', MSG);
    expect(await dtm.answer('abort', { gid: 'g', trans_type: transType })).toBe(
      refusal("trans type: 'msg' current status 'prepared', cannot abort."),
    );
    expect((await dtm.find('g')).transaction.status).toBe('prepared');
  });

  it('whose initiator falls silent is queried, and delivered or dropped', async () => {
    for (const gid of ['yes', 'no', 'later']) await dtm.post('prepare', { ...MSG, gid });
    dtm.transport.answer('00 msg', ({ context: { gid } }) =>
      gid === 'yes' ? { kind: 'success', body: '' } : gid === 'no' ? FAILURE : ONGOING,
    );
    await dtm.clock.advance(34_000);
    expect(dtm.transport.keys).toEqual([]);
    await dtm.clock.advance(3000);
    const asked = dtm.transport.calls.find(({ key }) => key === '00 msg');
    expect(asked).toMatchObject({ url: 'http://b/q', payload: '', context: { transType: 'msg' } });
    expect(await dtm.show('yes')).toMatch(/^succeed/);
    expect(await dtm.show('no')).toMatch(/^failed/);
    expect(await dtm.show('later')).toMatch(/^prepared/);
    expect(dtm.logger.of('warn')).toEqual([]);
  });

  it('without query_prepared is neither delivered nor dropped automatically', async () => {
    await dtm.post('prepare', { ...MSG, query_prepared: '' });
    await dtm.clock.advance(600_000);
    expect(await dtm.show('g')).toBe('prepared: 01 action prepared, 02 action prepared');
    expect(await dtm.answer('submit', { ...MSG, wait_result: true })).toBe(SUCCESS_ANSWER);
  });

  it('whose step answers failure is not rolled back: the step is retried and a warning is logged', async () => {
    dtm.transport.answer('01 action', FAILURE, { kind: 'success', body: '' });
    expect((await dtm.post('submit', { ...MSG, wait_result: true })).status).toBe(425);
    expect(dtm.logger.of('warn')).toHaveLength(1);
    await dtm.clock.advance(12_000);
    expect(await dtm.show('g')).toBe('succeed: 01 action succeed, 02 action succeed');
  });
});

describe('topics', () => {
  const subscribe = async (topic: string, url: string, remark = ''): Promise<string> => {
    const { status, body } = await dtm.get(`subscribe?${new URLSearchParams({ topic, url, remark }).toString()}`);
    return `${status} ${body}`;
  };
  const unsubscribe = async (topic: string, url: string): Promise<string> => {
    const { status, body } = await dtm.get(`unsubscribe?${new URLSearchParams({ topic, url }).toString()}`);
    return `${status} ${body}`;
  };
  const remove = async (topic: string): Promise<string> => {
    const { status, body } = await send('DELETE', `${dtm.base}/topic/${topic}`);
    return `${status} ${body}`;
  };
  const TO_TOPIC = { ...MSG, steps: [{ action: 'topic://orders' }], payloads: ['{}'], wait_result: true };
  const NOT_FOUND = failure('topic not found: orders; subscribe to it first');

  it('deliver to a single subscriber as 01, to several as 01-01, 01-02', async () => {
    expect(await subscribe('orders', 'http://b/s1', 'stock')).toBe(SUCCESS_ANSWER);
    expect(await dtm.answer('submit', { ...TO_TOPIC, gid: 'one' })).toBe(SUCCESS_ANSWER);
    expect(await dtm.show('one')).toBe('succeed: 01 action succeed');
    await subscribe('orders', 'http://b/s2');
    const mixed = { steps: [...TO_TOPIC.steps, { action: 'http://b/a2' }], payloads: ['{}', '2'] };
    expect(await dtm.answer('submit', { ...TO_TOPIC, ...mixed, gid: 'two' })).toBe(SUCCESS_ANSWER);
    expect(await dtm.show('two')).toBe('succeed: 01-01 action succeed, 01-02 action succeed, 02 action succeed');
    expect(dtm.transport.calls.map(({ url }) => url)).toEqual([
      'http://b/s1',
      'http://b/s1',
      'http://b/s2',
      'http://b/a2',
    ]);
  });

  it('are stored as key-value records with a version', async () => {
    await subscribe('orders', 'http://b/s1', 'stock');
    await subscribe('orders', 'http://b/s2');
    const { body } = await dtm.get('queryKV?cat=topics&key=orders');
    const time = '2030-01-01T00:00:00.000Z';
    expect(JSON.parse(body)).toEqual({
      kv: [
        {
          id: 0,
          create_time: time,
          update_time: time,
          cat: 'topics',
          k: 'orders',
          v: '[{"url":"http://b/s1","remark":"stock"},{"url":"http://b/s2","remark":""}]',
          version: 2,
        },
      ],
    });
  });

  it('deliver nothing to a former subscriber, and nothing at all without subscribers', async () => {
    await subscribe('orders', 'http://b/s1');
    await subscribe('orders', 'http://b/s2');
    expect(await unsubscribe('orders', 'http://b/s1')).toBe(SUCCESS_ANSWER);
    await dtm.post('submit', TO_TOPIC);
    expect(dtm.transport.calls.map(({ url }) => url)).toEqual(['http://b/s2']);
    await unsubscribe('orders', 'http://b/s2');
    expect(await dtm.answer('submit', { ...TO_TOPIC, gid: 'h' })).toBe(NOT_FOUND);
  });

  it('that are deleted are gone at once, and have only new subscribers when they are created again', async () => {
    await subscribe('orders', 'http://b/old');
    await dtm.post('prepare', TO_TOPIC);
    expect(await remove('orders')).toBe(SUCCESS_ANSWER);
    expect(await dtm.answer('submit', { ...TO_TOPIC, gid: 'h' })).toBe(NOT_FOUND);
    await subscribe('orders', 'http://b/new');
    await dtm.post('submit', { ...TO_TOPIC, gid: 'i' });
    expect(dtm.transport.calls.map(({ url }) => url)).toEqual(['http://b/new']);
    // a message is delivered to the subscribers at its creation
    await dtm.post('submit', TO_TOPIC);
    expect(dtm.transport.calls.at(-1)).toMatchObject({ url: 'http://b/old', context: { gid: 'g' } });
  });

  it('accept many concurrent subscriptions', async () => {
    const urls = Array.from({ length: 20 }, (_, index) => `http://b/s${index}`);
    const answers = await Promise.all(urls.map((url) => subscribe('orders', url)));
    expect(new Set(answers)).toEqual(new Set([SUCCESS_ANSWER]));
    await dtm.post('submit', TO_TOPIC);
    expect(dtm.transport.calls.map(({ url }) => url).toSorted()).toEqual(urls.toSorted());
  });

  it('are all found, however many there are', async () => {
    const names = Array.from({ length: 120 }, (_, index) => `topic${index}`);
    for (const name of names) expect(await subscribe(name, `http://b/${name}`)).toBe(SUCCESS_ANSWER);
    for (const name of names) {
      const steps = [{ action: `topic://${name}` }];
      expect(await dtm.answer('submit', { ...TO_TOPIC, gid: name, steps })).toBe(SUCCESS_ANSWER);
    }
    expect(dtm.transport.calls.map(({ url }) => url)).toEqual(names.map((name) => `http://b/${name}`));
  });

  it('can have a name that must be escaped in a path', async () => {
    await subscribe('a/b ä', 'http://b/s');
    expect(await remove(encodeURIComponent('a/b ä'))).toBe(SUCCESS_ANSWER);
    expect((await dtm.server.all()).transactions).toEqual([]);
  });

  it('answer mistakes with the texts of dtm', async () => {
    expect(await subscribe('', 'http://b/s')).toBe(failure('empty topic'));
    expect(await subscribe('orders', '')).toBe(failure('empty url'));
    expect(await unsubscribe('', 'http://b/s')).toBe(failure('empty topic'));
    expect(await unsubscribe('orders', '')).toBe(failure('empty url'));
    expect(await unsubscribe('orders', 'http://b/s')).toBe(failure('no such a topic'));
    expect(await remove('orders')).toBe(failure('storage: NotFound'));
    await subscribe('orders', 'http://b/s');
    expect(await subscribe('orders', 'http://b/s')).toBe(failure('this url exists'));
    expect(await unsubscribe('orders', 'http://b/t')).toBe(failure('no such an url http://b/t'));
    await unsubscribe('orders', 'http://b/s');
    expect(await unsubscribe('orders', 'http://b/s')).toBe(failure('this topic is empty'));
  });

  it('refuse a subscriber that could never be called', async () => {
    expect(await subscribe('orders', 'b/s')).toMatch(/^500 .*url \\"b\/s\\" is not a URL/);
    expect((await dtm.get('queryKV?cat=topics')).body).toBe('{"kv":[]}');
  });
});
