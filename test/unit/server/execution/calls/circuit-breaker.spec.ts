import type { Outcome } from 'nestjs-dtm/protocol';
import { memoryStore } from 'nestjs-dtm/server';
import { beforeEach, describe, expect, it } from 'vitest';
import { CircuitBreaker } from '../../../../../lib/server/execution/calls/circuit-breaker.js';
import { resolveSettings } from '../../../../../lib/server/settings.js';
import type { CoordinatorEnvironment } from '../../../../../lib/server/environment/coordinator-environment.js';
import type { Target } from '../../../../../lib/server/execution/calls/target.js';
import type { Waker } from '../../../../../lib/server/execution/waker.js';
import { deferred } from '../../../../support/deferred.js';
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

const at = (origin: string, path = ''): Target => ({ origin, path: origin + path, kind: origin + path });
const fails = (target: string, gid = 'g') => breaker.call(at(target), { gid, isNew: true }, async () => NO_ANSWER);
const answers = (target: string, gid = 'g') => breaker.call(at(target), { gid, isNew: true }, async () => SUCCESS);

async function open(target: string): Promise<void> {
  await fails(target);
  await fails(target);
  expect(breaker.isOpen(at(target))).toBe(true);
}

describe('remembered targets', () => {
  it('are ten thousand at most: the target whose failure is oldest is forgotten, with its timer', async () => {
    for (let index = 0; index < 10_000; index++) await open(`http://host${index}`);
    expect(clock.pending).toBe(10_000);
    await open('http://one-more');
    expect(clock.pending).toBe(10_000);
    expect([breaker.isOpen(at('http://host0')), breaker.isOpen(at('http://host1'))]).toEqual([false, true]);
    expect(await answers('http://host0')).toBe(SUCCESS);
    breaker.stop();
    expect(clock.pending).toBe(0);
  });

  it('do not include targets that answer', async () => {
    for (let index = 0; index < 20_000; index++) {
      await fails(`http://host${index}`);
      await answers(`http://host${index}`);
    }
    for (let index = 0; index < 20_000; index++) expect(breaker.isOpen(at(`http://host${index}`))).toBe(false);
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
    const other = await breaker.call(at('http://bank'), { gid: 'other', isNew: false }, async () => SUCCESS);
    expect(other).toMatchObject({ kind: 'deferred' });
    const candidate = await breaker.call(at('http://bank'), { gid: 'g', isNew: false }, async () => SUCCESS);
    expect(candidate).toBe(SUCCESS);
    expect(breaker.isOpen(at('http://bank'))).toBe(false);
  });

  it('is made by another transaction when the woken one does not call', async () => {
    await fails('http://bank', 'first');
    await fails('http://bank', 'second');
    await clock.advance(2000);
    await clock.advance(2000);
    expect(woken).toEqual([{ gid: 'first' }, { gid: 'second' }]);
    await clock.advance(2000);
    expect(await breaker.call(at('http://bank'), { gid: 'x', isNew: false }, async () => SUCCESS)).toBe(SUCCESS);
  });

  it('is made although the store could not wake a transaction', async () => {
    await open('http://bank');
    wake = () => Promise.reject(new Error('disk full'));
    await clock.advance(6000);
    expect(logger.lines.at(-1)).toMatchObject({ level: 'error', fields: { gid: 'g', error: 'Error: disk full' } });
    expect(await breaker.call(at('http://bank'), { gid: 'x', isNew: false }, async () => SUCCESS)).toBe(SUCCESS);
  });

  it('does not reopen a circuit that an operator has closed meanwhile', async () => {
    await open('http://bank');
    await clock.advance(2000);
    const probe = breaker.call(at('http://bank'), { gid: 'g', isNew: false }, async () => {
      breaker.reset('http://bank');
      return NO_ANSWER;
    });
    // the failure counts like any other
    expect(await probe).toBe(NO_ANSWER);
    expect(breaker.isOpen(at('http://bank'))).toBe(false);
    await fails('http://bank');
    expect(breaker.isOpen(at('http://bank'))).toBe(true);
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
    expect(breaker.isOpen(at('http://bank'))).toBe(false);
  });
});

describe('a path that hangs', () => {
  const HANGS: Outcome = { kind: 'unknown', message: 'no answer: time-out', unreachable: true, connected: true };
  const call = (path: string, gid: string, outcome: Outcome) =>
    breaker.call(at('http://bank', path), { gid, isNew: true }, async () => outcome);

  it('opens its own circuit, and other paths are still called', async () => {
    await call('/slow', 'a', HANGS);
    await call('/slow', 'b', HANGS);
    expect(await call('/slow', 'c', SUCCESS)).toMatchObject({ kind: 'deferred' });
    expect(await call('/fast', 'd', SUCCESS)).toBe(SUCCESS);
    expect([breaker.isOpen(at('http://bank', '/slow')), breaker.isOpen(at('http://bank', '/fast'))]).toEqual([
      true,
      false,
    ]);
    await clock.advance(2000);
    expect(await call('/slow', 'c', SUCCESS)).toBe(SUCCESS);
    await settled();
    expect(woken.at(-1)).toEqual({ target: 'http://bank/slow' });
    expect(breaker.isOpen(at('http://bank', '/slow'))).toBe(false);
  });

  it('opens no circuit by the repeated calls of one transaction', async () => {
    for (let count = 0; count < 5; count++) await call('/slow', 'a', HANGS);
    expect(breaker.isOpen(at('http://bank', '/slow'))).toBe(false);
    await call('/slow', 'b', HANGS);
    expect(breaker.isOpen(at('http://bank', '/slow'))).toBe(true);
  });

  it('opens the circuit of its origin together with other paths, when nothing answers in between', async () => {
    await call('/1', 'a', HANGS);
    await call('/fast', 'x', SUCCESS);
    await call('/2', 'b', HANGS);
    expect(breaker.isOpen(at('http://bank', '/fast'))).toBe(false);
    // a path counts once
    await call('/2', 'b', HANGS);
    expect(breaker.isOpen(at('http://bank', '/fast'))).toBe(false);
    await call('/3', 'c', HANGS);
    expect(await call('/fast', 'x', SUCCESS)).toMatchObject({ kind: 'deferred' });
  });

  it('is no fault of its origin when anything has answered since the call began', async () => {
    /** A call that ends later. */
    const begin = (path: string, gid: string) => {
      const { promise, resolve } = deferred<Outcome>();
      const ended = breaker.call(at('http://bank', path), { gid, isNew: true }, () => promise);
      return (outcome: Outcome) => {
        resolve(outcome);
        return ended;
      };
    };
    const [early, late] = ['early', 'late'].map((name) =>
      [1, 2, 3].map((id) => begin(`/${name}/${id}`, `${name}${id}`)),
    );
    const slow = begin('/fast', 'slow');
    await call('/fast', 'x', SUCCESS);
    for (const end of early!) expect(await end(HANGS)).toBe(HANGS);
    expect(await slow(SUCCESS)).toBe(SUCCESS);
    for (const end of late!) expect(await end(HANGS)).toBe(HANGS);
    expect(breaker.isOpen(at('http://bank', '/fast'))).toBe(false);
    // an answer from before the calls began
    await begin('/after/1', 'after1')(HANGS);
    await begin('/after/2', 'after2')(HANGS);
    expect(breaker.isOpen(at('http://bank', '/fast'))).toBe(true);
  });

  it('does not close the circuit of its origin when its probe hangs', async () => {
    await open('http://bank');
    await clock.advance(2000);
    expect(await call('/slow', 'a', HANGS)).toMatchObject({ kind: 'deferred' });
    expect(breaker.isOpen(at('http://bank', '/fast'))).toBe(true);
    await clock.advance(2000);
    expect(await call('/fast', 'x', SUCCESS)).toBe(SUCCESS);
    expect(breaker.isOpen(at('http://bank', '/slow'))).toBe(false);
  });

  it('is closed with its origin by an operator', async () => {
    for (const path of ['/1', '/2']) {
      for (const gid of ['a', 'b']) await call(path, gid, HANGS);
      await call('/fast', 'x', SUCCESS);
    }
    breaker.reset('http://bank/1');
    expect([breaker.isOpen(at('http://bank', '/1')), breaker.isOpen(at('http://bank', '/2'))]).toEqual([false, true]);
    breaker.reset('http://bank');
    expect(breaker.isOpen(at('http://bank', '/2'))).toBe(false);
  });

  it('is one of ten thousand that are remembered at most', async () => {
    for (let index = 0; index < 10_050; index++) {
      await call(`/${index}`, 'a', HANGS);
      await call(`/${index}`, 'b', HANGS);
      await call('/fast', 'x', SUCCESS);
    }
    expect(clock.pending).toBeLessThanOrEqual(10_000);
    expect([breaker.isOpen(at('http://bank', '/0')), breaker.isOpen(at('http://bank', '/10049'))]).toEqual([
      false,
      true,
    ]);
  });
});
