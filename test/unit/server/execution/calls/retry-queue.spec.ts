import type { Clock } from 'nestjs-dtm/server';
import { beforeEach, describe, expect, it } from 'vitest';
import { RetryQueue, type PassSlots, type CallSlot } from '../../../../../lib/server/execution/calls/retry-queue.js';
import { targetOf, type Target } from '../../../../../lib/server/execution/calls/target.js';
import { PathKinds } from '../../../../../lib/support/path-kinds.js';
import { START_TIME, VirtualClock, settled } from '../../../../support/virtual-clock.js';

/** A path at an origin of its own, or `origin/path`. */
const at = (path: string): Target => targetOf(path, true);

let clock: VirtualClock;
let waits: number;
let capacityEvents: number;

beforeEach(() => {
  clock = new VirtualClock();
  waits = 0;
  capacityEvents = 0;
});

const createQueue = (limit: number): RetryQueue =>
  new RetryQueue({ maxParallelRecovery: 64, maxParallelRecoveryPerTarget: limit }, clock, {
    onWait: () => {
      waits++;
    },
    onCapacity: () => {
      capacityEvents++;
    },
  });

/** A pass that acquires a slot, and the result. */
class Attempt {
  slot: CallSlot | undefined;
  isAnswered = false;
  readonly answered: Promise<void>;

  constructor(
    readonly pass: PassSlots,
    target: string | Target = 'bank',
  ) {
    this.answered = pass.acquire(typeof target === 'string' ? at(target) : target).then((slot) => {
      this.slot = slot;
      this.isAnswered = true;
    });
  }

  get state(): 'calls' | 'waits' | 'deferred' {
    if (!this.isAnswered) return 'waits';
    return this.slot ? 'calls' : 'deferred';
  }
}

const acquire = (queue: RetryQueue, count: number, target?: string): Attempt[] =>
  Array.from({ length: count }, () => new Attempt(queue.forPass(), target));

const states = (attempts: readonly Attempt[]): string[] => attempts.map(({ state }) => state);

/** Measures calls of a duration. @returns the last attempt, whose call goes on */
async function measured(queue: RetryQueue, ms: number): Promise<Attempt> {
  let [attempt] = acquire(queue, 1);
  for (let count = 0; count < 3; count++) {
    await attempt!.answered;
    clock.jump(ms);
    const [next] = acquire(queue, 1);
    attempt!.slot!.release(true);
    attempt = next;
  }
  await attempt!.answered;
  return attempt!;
}

describe('the slots of a target', () => {
  it('are limited; further calls wait, first in, first out', async () => {
    const queue = createQueue(2);
    const attempts = acquire(queue, 4);
    await settled();
    expect(states(attempts)).toEqual(['calls', 'calls', 'waits', 'waits']);
    attempts[1]!.slot!.release(true);
    await settled();
    expect(states(attempts)).toEqual(['calls', 'calls', 'calls', 'waits']);
    attempts[0]!.slot!.release(true);
    attempts[2]!.slot!.release(true);
    await settled();
    expect(attempts[3]!.state).toBe('calls');
    const [more] = acquire(queue, 1);
    await settled();
    expect(more!.state).toBe('calls');
  });

  it('are not fewer when recovery works on one transaction at a time', async () => {
    const settings = { maxParallelRecovery: 1, maxParallelRecoveryPerTarget: 8 };
    const queue = new RetryQueue(settings, clock, { onWait: () => undefined, onCapacity: () => undefined });
    const pass = queue.forPass();
    const attempts = ['bank/a', 'bank/b'].flatMap((path) => Array.from({ length: 8 }, () => new Attempt(pass, path)));
    await settled();
    expect(states(attempts).filter((state) => state === 'calls')).toHaveLength(8 + 4);
  });

  it('are counted for each target separately', async () => {
    const queue = createQueue(1);
    const attempts = ['a', 'b', 'a'].flatMap((target) => acquire(queue, 1, target));
    await settled();
    expect(states(attempts)).toEqual(['calls', 'calls', 'waits']);
  });

  it('are twice as many for all paths of an origin, and no path takes those of the others', async () => {
    const queue = createQueue(8);
    const hanging = ['bank/a', 'bank/b', 'bank/c'].flatMap((path) => acquire(queue, 20, path));
    await settled();
    const calls = (path: number) =>
      states(hanging.slice(20 * path, 20 * path + 20)).filter((state) => state === 'calls').length;
    expect([0, 1, 2].map(calls)).toEqual([8, 4, 2]);
    const [other] = acquire(queue, 1, 'bank/d');
    await settled();
    expect(other!.state).toBe('calls');
  });

  it('are those of one path for all paths that differ in ids only, and further passes are deferred', async () => {
    const queue = createQueue(2);
    const hanging = Array.from({ length: 6 }, (_, id) => acquire(queue, 1, `bank/orders/${id}/pay`)[0]!);
    await settled();
    expect(states(hanging)).toEqual(['calls', 'calls', 'waits', 'waits', 'deferred', 'deferred']);
    const [other, elsewhere] = [...acquire(queue, 1, 'bank/orders/list'), ...acquire(queue, 1, 'shop/orders/7/pay')];
    await settled();
    expect(states([other!, elsewhere!])).toEqual(['calls', 'calls']);
  });

  it('are those of one path for all paths that differ in ids without a digit, after the first of them', async () => {
    const queue = createQueue(16);
    const kinds = new PathKinds();
    const paths = Array.from(
      { length: 100 },
      (_, index) => `bank/users/${'abcdefghij'[index % 10]!.repeat(1 + index / 10)}/pay`,
    );
    const hanging = paths.map((path) => {
      const target = targetOf(path, true, (rest, origin) => kinds.of(rest, origin));
      return new Attempt(queue.forPass(), target);
    });
    await settled();
    const count = (state: string): number => states(hanging).filter((each) => each === state).length;
    // each of the first 24 values is a path of its own; the others take half of the rest, and as many calls wait as for one path
    expect([count('calls'), count('waits')]).toEqual([24 + 4, 16]);
    const [other] = acquire(queue, 1, 'bank/transfer');
    await settled();
    expect(other!.state).toBe('calls');
  });

  it('are all free again when every call has released its slot', async () => {
    const queue = createQueue(3);
    for (let round = 0; round < 50; round++) {
      const attempts = acquire(queue, 9);
      for (const attempt of attempts) {
        await attempt.answered;
        attempt.slot?.release(round % 2 === 0);
      }
    }
    const attempts = acquire(queue, 3);
    await settled();
    expect(states(attempts)).toEqual(['calls', 'calls', 'calls']);
    expect(queue.waitingPasses).toBe(0);
  });
});

describe('a waiting pass', () => {
  it('is counted once, however many of its calls wait', async () => {
    const queue = createQueue(1);
    const [first] = acquire(queue, 1);
    await settled();
    const pass = queue.forPass();
    const [one, other] = [new Attempt(pass), new Attempt(pass)];
    await settled();
    expect([queue.waitingPasses, waits]).toEqual([1, 1]);
    first!.slot!.release(true);
    await settled();
    expect([one!.state, other!.state, queue.waitingPasses]).toEqual(['calls', 'waits', 0]);
    one!.slot!.release(true);
    await settled();
    expect([other!.state, queue.waitingPasses]).toEqual(['calls', 0]);
  });

  it('is not counted while it calls another target', async () => {
    const queue = createQueue(1);
    const [first] = acquire(queue, 1, 'a');
    await settled();
    const pass = queue.forPass();
    const [here, elsewhere] = [new Attempt(pass, 'a'), new Attempt(pass, 'b')];
    await settled();
    expect(queue.waitingPasses).toBe(0);
    elsewhere!.slot!.release(true);
    expect([queue.waitingPasses, waits]).toEqual([1, 2]);
    first!.slot!.release(true);
    await settled();
    expect([here!.state, queue.waitingPasses]).toEqual(['calls', 0]);
  });
});

describe('a pass whose calls hang', () => {
  it('counts as waiting after a second, until a call of it is answered', async () => {
    const queue = createQueue(2);
    const pass = queue.forPass();
    const [one, other] = [new Attempt(pass, 'a'), new Attempt(pass, 'b')];
    await clock.advance(999);
    expect([queue.waitingPasses, waits]).toEqual([0, 0]);
    await clock.advance(1);
    expect([queue.waitingPasses, waits]).toEqual([1, 1]);
    one.slot!.release(true);
    const next = new Attempt(pass, 'a');
    await settled();
    expect([next.state, queue.waitingPasses]).toEqual(['calls', 0]);
    for (const attempt of [next, other]) attempt.slot!.release(true);
    expect([queue.waitingPasses, clock.pending]).toEqual([0, 0]);
  });
});

describe('while more paths and origins hang than there are slots', () => {
  const TIME_OUT = 3000;
  const STEP = TIME_OUT / 4;

  /** Advances time in steps, in which many timers fire together. */
  class SteppedClock implements Clock {
    #now = START_TIME;
    #timers: { readonly time: number; readonly fire: () => void }[] = [];

    now(): number {
      return this.#now;
    }

    after(ms: number, fire: () => void): () => void {
      const timer = { time: this.#now + ms, fire };
      this.#timers.push(timer);
      return () => {
        timer.fire = () => undefined;
      };
    }

    async step(): Promise<void> {
      this.#now += STEP;
      const due = this.#timers.filter(({ time }) => time <= this.#now);
      this.#timers = this.#timers.filter(({ time }) => time > this.#now);
      for (const timer of due) timer.fire();
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
  }

  it.each([
    ['path of the origin', 100, (path: number) => `bank/${'x'.repeat(path + 1)}`, 'bank/fast', 32],
    ['origin', 600, (origin: number) => `http://host${origin}/a`, 'http://bank/fast', 4 * 64],
  ])(
    'each other %s gets a slot within as many time-outs as it takes to serve each once',
    async (_, count, pathOf, fast, slots) => {
      const time = new SteppedClock();
      const queue = new RetryQueue({ maxParallelRecovery: 64, maxParallelRecoveryPerTarget: 16 }, time, {
        onWait: () => undefined,
        onCapacity: () => undefined,
      });
      const over = new AbortController();
      /** Calls that hang until their time-out, again and again. */
      const hang = async (target: Target): Promise<void> => {
        while (!over.signal.aborted) {
          const pass = queue.forPass();
          const slot = await pass.acquire(target);
          const ms = slot ? TIME_OUT : pass.nextAttemptTime(target) - time.now();
          await new Promise<void>((resolve) => void time.after(ms, resolve));
          slot?.release(true);
        }
      };
      for (let index = 0; index < count; index++) {
        const target = at(pathOf(index));
        for (let pass = 0; pass < 10; pass++) void hang(target);
      }
      for (let step = 0; step < 60; step++) await time.step();
      for (let round = 0; round < 5; round++) {
        const [attempt] = acquire(queue, 1, fast);
        let steps = 0;
        for (; !attempt!.isAnswered; steps++) await time.step();
        expect(attempt!.state).toBe('calls');
        expect((steps * STEP) / TIME_OUT).toBeLessThanOrEqual(Math.ceil(count / slots) + 1);
        attempt!.slot!.release(true);
      }
      over.abort();
    },
  );
});

describe('when the wait would be long', () => {
  it('a pass without a slot so far is deferred; some still wait, to keep the target busy', async () => {
    const queue = createQueue(2);
    await measured(queue, 3000);
    const attempts = acquire(queue, 6);
    await settled();
    expect(states(attempts)).toEqual(['calls', 'waits', 'waits', 'deferred', 'deferred', 'deferred']);
    expect(queue.waitingPasses).toBe(2);
  });

  it('a pass that has had a slot, or waits already, may wait', async () => {
    const queue = createQueue(1);
    const calling = await measured(queue, 3000);
    const [waiting, deferred] = acquire(queue, 2);
    await settled();
    expect(states([waiting!, deferred!])).toEqual(['waits', 'deferred']);
    const [more, begun] = [new Attempt(waiting!.pass), new Attempt(calling.pass)];
    await settled();
    expect(states([more!, begun!])).toEqual(['waits', 'waits']);
    calling.slot!.release(true);
    await settled();
    expect(states([waiting!, more!])).toEqual(['calls', 'waits']);
  });

  it('deferred passes come back in their order, at the pace of the target', async () => {
    const queue = createQueue(2);
    await measured(queue, 2000);
    const attempts = acquire(queue, 8);
    await settled();
    const deferred = attempts.filter(({ state }) => state === 'deferred');
    // two at a time take two seconds, and two wait
    const seconds = deferred.map(({ pass }) => (pass.nextAttemptTime(at('bank')) - clock.now()) / 1000);
    expect(seconds).toEqual([3, 4, 5, 6, 7]);
  });

  it('a deferral is neither shorter than 200 ms nor longer than 30 s', () => {
    const queue = createQueue(1);
    const times = Array.from({ length: 10_000 }, () => queue.forPass().nextAttemptTime(at('bank')) - clock.now());
    expect(Math.min(...times)).toBeGreaterThanOrEqual(200);
    expect(Math.max(...times)).toBeLessThanOrEqual(30_000);
  });

  it('the listener is notified once when the target has capacity again', async () => {
    const queue = createQueue(2);
    const calling = await measured(queue, 1000);
    const attempts = acquire(queue, 4);
    await settled();
    expect(attempts[3]!.state).toBe('deferred');
    attempts[3]!.pass.nextAttemptTime(at('bank'));
    expect(capacityEvents).toBe(0);
    calling.slot!.release(true);
    expect(capacityEvents).toBe(1);
    attempts[0]!.slot!.release(true);
    expect(capacityEvents).toBe(1);
  });

  it('the listener is not notified when no pass was deferred', async () => {
    const queue = createQueue(2);
    const attempts = acquire(queue, 4);
    for (const attempt of attempts) {
      await attempt.answered;
      attempt.slot!.release(true);
    }
    expect(capacityEvents).toBe(0);
  });

  it('a clock change does not affect the deferral', async () => {
    const queue = createQueue(1);
    for (const ms of [-3_600_000, 3_600_000]) {
      const [attempt] = acquire(queue, 1);
      await attempt!.answered;
      clock.jump(ms);
      attempt!.slot!.release(true);
      const later = queue.forPass().nextAttemptTime(at('bank')) - clock.now();
      expect(later).toBeGreaterThan(0);
      expect(later).toBeLessThanOrEqual(30_000);
    }
    expect(clock.now()).toBe(START_TIME);
  });
});
