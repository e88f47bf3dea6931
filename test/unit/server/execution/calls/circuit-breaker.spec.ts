import { memoryStore } from 'nestjs-dtm/server';
import { beforeEach, describe, expect, it } from 'vitest';
import { CircuitBreaker } from '../../../../../lib/server/execution/calls/circuit-breaker.js';
import { resolveSettings } from '../../../../../lib/server/settings.js';
import type { CoordinatorEnvironment } from '../../../../../lib/server/environment/coordinator-environment.js';
import type { Waker } from '../../../../../lib/server/execution/waker.js';
import { NO_ANSWER } from '../../../../support/hosts-transport.js';
import { RecordingLogger } from '../../../../support/recording-logger.js';
import { SUCCESS, ScriptedTransport } from '../../../../support/scripted-transport.js';
import { VirtualClock, settled } from '../../../../support/virtual-clock.js';

let clock: VirtualClock;
let logger: RecordingLogger;
/** Whom the breaker wanted to be woken. */
let woken: unknown[];
/** What it is told about that. */
let wake: () => Promise<{ count: number; isMore: boolean }>;
let breaker: CircuitBreaker;

beforeEach(() => {
  clock = new VirtualClock();
  logger = new RecordingLogger();
  woken = [];
  wake = async () => ({ count: 1, isMore: false });
  const environment: CoordinatorEnvironment = {
    store: memoryStore(),
    transport: new ScriptedTransport(clock),
    clock,
    random: () => 0.5,
    logger,
    settings: resolveSettings({ breakerFailures: 2 }),
    owner: 'me',
  };
  const waker = {
    wake: (filter: object) => {
      woken.push(filter);
      return wake();
    },
  };
  breaker = new CircuitBreaker(environment, waker as unknown as Waker);
});

const fails = (target: string, gid = 'g') => breaker.call(target, { gid, isNew: true }, async () => NO_ANSWER);
const answers = (target: string, gid = 'g') => breaker.call(target, { gid, isNew: true }, async () => SUCCESS);

async function open(target: string): Promise<void> {
  await fails(target);
  await fails(target);
  expect(breaker.isOpen(target)).toBe(true);
}

describe('the targets that are remembered', () => {
  it('are ten thousand at most: the one that was called longest ago is forgotten, with its timer', async () => {
    for (let index = 0; index < 10_000; index++) await open(`http://host${index}`);
    expect(clock.pending).toBe(10_000);
    await open('http://one-more');
    expect(clock.pending).toBe(10_000);
    expect([breaker.isOpen('http://host0'), breaker.isOpen('http://host1')]).toEqual([false, true]);
    expect(await answers('http://host0')).toBe(SUCCESS);
    breaker.stop();
    expect(clock.pending).toBe(0);
  });

  it('are none that answer', async () => {
    for (let index = 0; index < 20_000; index++) {
      await fails(`http://host${index}`);
      await answers(`http://host${index}`);
    }
    for (let index = 0; index < 20_000; index++) expect(breaker.isOpen(`http://host${index}`)).toBe(false);
    expect(clock.pending).toBe(0);
  });
});

describe('the next try', () => {
  it('is left to whoever comes when nobody is known to wait', async () => {
    await open('http://bank');
    wake = async () => ({ count: 0, isMore: false });
    await clock.advance(2000);
    expect(woken).toEqual([{ gid: 'g' }]);
    expect(clock.pending).toBe(0);
    expect(await fails('http://bank', 'comes')).toMatchObject({ kind: 'deferred' });
    expect(await answers('http://bank')).toMatchObject({ kind: 'deferred' });
    // it was tried with
    breaker.passEnded('comes', true);
    await clock.advance(2000);
    expect(woken).toEqual([{ gid: 'g' }, { gid: 'comes' }]);
  });

  it('is made with one that took longer to be stored than the pause lasts', async () => {
    await open('http://bank');
    await clock.advance(2000);
    expect(await fails('http://bank', 'slow')).toMatchObject({ kind: 'deferred' });
    wake = async () => ({ count: 0, isMore: false });
    await clock.advance(10_000);
    expect(clock.pending).toBe(0);
    woken = [];
    wake = async () => ({ count: 1, isMore: false });
    breaker.passEnded('slow', true);
    await clock.advance(2000);
    expect(woken).toEqual([{ gid: 'slow' }]);
  });

  it('is for the one that was woken, and for new ones', async () => {
    await open('http://bank');
    await clock.advance(2000);
    const other = await breaker.call('http://bank', { gid: 'other', isNew: false }, async () => SUCCESS);
    expect(other).toMatchObject({ kind: 'deferred' });
    const chosen = await breaker.call('http://bank', { gid: 'g', isNew: false }, async () => SUCCESS);
    expect(chosen).toBe(SUCCESS);
    expect(breaker.isOpen('http://bank')).toBe(false);
  });

  it('is for another one when the one that was woken does not come', async () => {
    await fails('http://bank', 'first');
    await fails('http://bank', 'second');
    await clock.advance(2000);
    await clock.advance(2000);
    expect(woken).toEqual([{ gid: 'first' }, { gid: 'second' }]);
    await clock.advance(2000);
    expect(await breaker.call('http://bank', { gid: 'x', isNew: false }, async () => SUCCESS)).toBe(SUCCESS);
  });

  it('takes place although the store could not wake anybody', async () => {
    await open('http://bank');
    wake = () => Promise.reject(new Error('disk full'));
    await clock.advance(6000);
    expect(logger.lines.at(-1)).toMatchObject({ level: 'error', fields: { gid: 'g', error: 'Error: disk full' } });
    expect(await breaker.call('http://bank', { gid: 'x', isNew: false }, async () => SUCCESS)).toBe(SUCCESS);
  });

  it('ends what an operator has ended meanwhile', async () => {
    await open('http://bank');
    await clock.advance(2000);
    const probe = breaker.call('http://bank', { gid: 'g', isNew: false }, async () => {
      breaker.reset('http://bank');
      return NO_ANSWER;
    });
    // it counts like any other
    expect(await probe).toBe(NO_ANSWER);
    expect(breaker.isOpen('http://bank')).toBe(false);
    await fails('http://bank');
    expect(breaker.isOpen('http://bank')).toBe(true);
  });
});

describe('a pass that was held back', () => {
  it('is woken when it is stored only after the target has answered, and not otherwise', async () => {
    await open('http://bank');
    await fails('http://bank', 'late');
    await fails('http://bank', 'early');
    breaker.passEnded('early', true);
    await clock.advance(2000);
    await answers('http://bank', 'new');
    await settled();
    woken = [];
    breaker.passEnded('early', true);
    expect(woken).toEqual([]);
    breaker.passEnded('late', true);
    expect(woken).toEqual([{ gid: 'late' }]);
    breaker.passEnded('late', true);
    expect(woken).toHaveLength(1);
  });

  it('is not woken while the target is left alone', async () => {
    await open('http://bank');
    await fails('http://bank', 'held');
    breaker.passEnded('held', true);
    expect(woken).toEqual([]);
  });

  it('is not tried with while it waits for something else as well', async () => {
    await open('http://bank');
    await fails('http://bank', 'mixed');
    breaker.passEnded('mixed', false);
    await clock.advance(20_000);
    expect(woken).not.toContainEqual({ gid: 'mixed' });
  });

  it('may wait for several targets', async () => {
    await open('http://a');
    await open('http://b');
    await fails('http://a', 'both');
    await fails('http://b', 'both');
    await clock.advance(2000);
    await answers('http://b', 'new');
    await settled();
    woken = [];
    breaker.passEnded('both', true);
    expect(woken).toEqual([{ gid: 'both' }]);
  });

  it('is not woken any more when the coordinator stops', async () => {
    await open('http://bank');
    await fails('http://bank', 'held');
    breaker.stop();
    breaker.passEnded('held', true);
    expect(woken).toEqual([]);
    expect(await answers('http://bank')).toBe(SUCCESS);
    expect(await fails('http://bank')).toBe(NO_ANSWER);
    expect(breaker.isOpen('http://bank')).toBe(false);
  });
});
