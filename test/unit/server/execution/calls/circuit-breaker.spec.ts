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
/** The transactions that the circuit breaker woke. */
let woken: unknown[];
/** The result of waking. */
let wake: () => Promise<{ count: number; hasMore: boolean }>;
let breaker: CircuitBreaker;

beforeEach(() => {
  clock = new VirtualClock();
  logger = new RecordingLogger();
  woken = [];
  wake = async () => ({ count: 1, hasMore: false });
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

describe('remembered targets', () => {
  it('are ten thousand at most: the target whose failure is oldest is forgotten, with its timer', async () => {
    for (let index = 0; index < 10_000; index++) await open(`http://host${index}`);
    expect(clock.pending).toBe(10_000);
    await open('http://one-more');
    expect(clock.pending).toBe(10_000);
    expect([breaker.isOpen('http://host0'), breaker.isOpen('http://host1')]).toEqual([false, true]);
    expect(await answers('http://host0')).toBe(SUCCESS);
    breaker.stop();
    expect(clock.pending).toBe(0);
  });

  it('do not include targets that answer', async () => {
    for (let index = 0; index < 20_000; index++) {
      await fails(`http://host${index}`);
      await answers(`http://host${index}`);
    }
    for (let index = 0; index < 20_000; index++) expect(breaker.isOpen(`http://host${index}`)).toBe(false);
    expect(clock.pending).toBe(0);
  });
});

describe('the next probe', () => {
  it('is made by any call when no transaction is known to wait', async () => {
    await open('http://bank');
    wake = async () => ({ count: 0, hasMore: false });
    await clock.advance(2000);
    expect(woken).toEqual([{ gid: 'g' }]);
    expect(clock.pending).toBe(0);
    expect(await fails('http://bank', 'comes')).toMatchObject({ kind: 'deferred' });
    expect(await answers('http://bank')).toMatchObject({ kind: 'deferred' });
    // it becomes a candidate
    breaker.passEnded('comes', true);
    await clock.advance(2000);
    expect(woken).toEqual([{ gid: 'g' }, { gid: 'comes' }]);
  });

  it('is made by a transaction that was stored only after the pause', async () => {
    await open('http://bank');
    await clock.advance(2000);
    expect(await fails('http://bank', 'slow')).toMatchObject({ kind: 'deferred' });
    wake = async () => ({ count: 0, hasMore: false });
    await clock.advance(10_000);
    expect(clock.pending).toBe(0);
    woken = [];
    wake = async () => ({ count: 1, hasMore: false });
    breaker.passEnded('slow', true);
    await clock.advance(2000);
    expect(woken).toEqual([{ gid: 'slow' }]);
  });

  it('is made by the woken transaction, or by a new one', async () => {
    await open('http://bank');
    await clock.advance(2000);
    const other = await breaker.call('http://bank', { gid: 'other', isNew: false }, async () => SUCCESS);
    expect(other).toMatchObject({ kind: 'deferred' });
    const candidate = await breaker.call('http://bank', { gid: 'g', isNew: false }, async () => SUCCESS);
    expect(candidate).toBe(SUCCESS);
    expect(breaker.isOpen('http://bank')).toBe(false);
  });

  it('is made by another transaction when the woken one does not call', async () => {
    await fails('http://bank', 'first');
    await fails('http://bank', 'second');
    await clock.advance(2000);
    await clock.advance(2000);
    expect(woken).toEqual([{ gid: 'first' }, { gid: 'second' }]);
    await clock.advance(2000);
    expect(await breaker.call('http://bank', { gid: 'x', isNew: false }, async () => SUCCESS)).toBe(SUCCESS);
  });

  it('is made although the store could not wake a transaction', async () => {
    await open('http://bank');
    wake = () => Promise.reject(new Error('disk full'));
    await clock.advance(6000);
    expect(logger.lines.at(-1)).toMatchObject({ level: 'error', fields: { gid: 'g', error: 'Error: disk full' } });
    expect(await breaker.call('http://bank', { gid: 'x', isNew: false }, async () => SUCCESS)).toBe(SUCCESS);
  });

  it('does not reopen a circuit that an operator has closed meanwhile', async () => {
    await open('http://bank');
    await clock.advance(2000);
    const probe = breaker.call('http://bank', { gid: 'g', isNew: false }, async () => {
      breaker.reset('http://bank');
      return NO_ANSWER;
    });
    // the failure counts like any other
    expect(await probe).toBe(NO_ANSWER);
    expect(breaker.isOpen('http://bank')).toBe(false);
    await fails('http://bank');
    expect(breaker.isOpen('http://bank')).toBe(true);
  });
});

describe('a deferred pass', () => {
  it('is woken only when its end is stored after the target has answered', async () => {
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

  it('is not woken while the circuit is open', async () => {
    await open('http://bank');
    await fails('http://bank', 'deferred');
    breaker.passEnded('deferred', true);
    expect(woken).toEqual([]);
  });

  it('is no candidate for a probe while it also waits for something else', async () => {
    await open('http://bank');
    await fails('http://bank', 'mixed');
    breaker.passEnded('mixed', false);
    await clock.advance(20_000);
    expect(woken).not.toContainEqual({ gid: 'mixed' });
  });

  it('can wait for several targets', async () => {
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

  it('is not woken after the coordinator has stopped', async () => {
    await open('http://bank');
    await fails('http://bank', 'deferred');
    breaker.stop();
    breaker.passEnded('deferred', true);
    expect(woken).toEqual([]);
    expect(await answers('http://bank')).toBe(SUCCESS);
    expect(await fails('http://bank')).toBe(NO_ANSWER);
    expect(breaker.isOpen('http://bank')).toBe(false);
  });
});
