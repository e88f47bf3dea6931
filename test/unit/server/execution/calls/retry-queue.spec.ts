import { beforeEach, describe, expect, it } from 'vitest';
import { RetryQueue, type PassSlots, type CallSlot } from '../../../../../lib/server/execution/calls/retry-queue.js';
import { START_TIME, VirtualClock, settled } from '../../../../support/virtual-clock.js';

let clock: VirtualClock;
let waits: number;
let rooms: number;

beforeEach(() => {
  clock = new VirtualClock();
  waits = 0;
  rooms = 0;
});

const turnsOf = (limit: number): RetryQueue =>
  new RetryQueue(limit, clock, {
    onWait: () => {
      waits++;
    },
    onCapacity: () => {
      rooms++;
    },
  });

/** A pass that takes a turn, and what became of it. */
class Taking {
  turn: CallSlot | undefined;
  isAnswered = false;
  readonly taken: Promise<void>;

  constructor(
    readonly pass: PassSlots,
    target = 'bank',
  ) {
    this.taken = pass.acquire(target).then((turn) => {
      this.turn = turn;
      this.isAnswered = true;
    });
  }

  get state(): 'works' | 'waits' | 'sent away' {
    if (!this.isAnswered) return 'waits';
    return this.turn ? 'works' : 'sent away';
  }
}

const take = (turns: RetryQueue, count: number, target?: string): Taking[] =>
  Array.from({ length: count }, () => new Taking(turns.forPass(), target));

const states = (takings: readonly Taking[]): string[] => takings.map(({ state }) => state);

/** Lets a target show how long a turn takes; the last one goes on. */
async function measured(turns: RetryQueue, ms: number): Promise<Taking> {
  let [taking] = take(turns, 1);
  for (let count = 0; count < 3; count++) {
    await taking!.taken;
    clock.jump(ms);
    const [next] = take(turns, 1);
    taking!.turn!.release(true);
    taking = next;
  }
  await taking!.taken;
  return taking!;
}

describe('turns at a target', () => {
  it('are taken by so many at a time; the others wait, first come first served', async () => {
    const turns = turnsOf(2);
    const takings = take(turns, 4);
    await settled();
    expect(states(takings)).toEqual(['works', 'works', 'waits', 'waits']);
    takings[1]!.turn!.release(true);
    await settled();
    expect(states(takings)).toEqual(['works', 'works', 'works', 'waits']);
    takings[0]!.turn!.release(true);
    takings[2]!.turn!.release(true);
    await settled();
    expect(takings[3]!.state).toBe('works');
    const [more] = take(turns, 1);
    await settled();
    expect(more!.state).toBe('works');
  });

  it('are counted for each target by itself', async () => {
    const turns = turnsOf(1);
    const takings = ['a', 'b', 'a'].flatMap((target) => take(turns, 1, target));
    await settled();
    expect(states(takings)).toEqual(['works', 'works', 'waits']);
  });

  it('are all there again when everybody has ended theirs', async () => {
    const turns = turnsOf(3);
    for (let round = 0; round < 50; round++) {
      const takings = take(turns, 9);
      for (const taking of takings) {
        await taking.taken;
        taking.turn?.release(round % 2 === 0);
      }
    }
    const takings = take(turns, 3);
    await settled();
    expect(states(takings)).toEqual(['works', 'works', 'works']);
    expect(turns.waitingPasses).toBe(0);
  });
});

describe('a pass', () => {
  it('that only waits for its turn is counted, however many calls wait', async () => {
    const turns = turnsOf(1);
    const [first] = take(turns, 1);
    await settled();
    const pass = turns.forPass();
    const [one, other] = [new Taking(pass), new Taking(pass)];
    await settled();
    expect([turns.waitingPasses, waits]).toEqual([1, 1]);
    first!.turn!.release(true);
    await settled();
    expect([one!.state, other!.state, turns.waitingPasses]).toEqual(['works', 'waits', 0]);
    one!.turn!.release(true);
    await settled();
    expect([other!.state, turns.waitingPasses]).toEqual(['works', 0]);
  });

  it('with something under way elsewhere does not only wait', async () => {
    const turns = turnsOf(1);
    const [first] = take(turns, 1, 'a');
    await settled();
    const pass = turns.forPass();
    const [at, elsewhere] = [new Taking(pass, 'a'), new Taking(pass, 'b')];
    await settled();
    expect(turns.waitingPasses).toBe(0);
    elsewhere!.turn!.release(true);
    expect([turns.waitingPasses, waits]).toEqual([1, 2]);
    first!.turn!.release(true);
    await settled();
    expect([at!.state, turns.waitingPasses]).toEqual(['works', 0]);
  });
});

describe('when it would take long', () => {
  it('a pass that has not begun is sent away; some wait all the same, to keep the target busy', async () => {
    const turns = turnsOf(2);
    await measured(turns, 3000);
    const takings = take(turns, 6);
    await settled();
    expect(states(takings)).toEqual(['works', 'waits', 'waits', 'sent away', 'sent away', 'sent away']);
    expect(turns.waitingPasses).toBe(2);
  });

  it('a pass that has begun, or waits already, may wait as well', async () => {
    const turns = turnsOf(1);
    const working = await measured(turns, 3000);
    const [waiting, away] = take(turns, 2);
    await settled();
    expect(states([waiting!, away!])).toEqual(['waits', 'sent away']);
    const [more, begun] = [new Taking(waiting!.pass), new Taking(working.pass)];
    await settled();
    expect(states([more!, begun!])).toEqual(['waits', 'waits']);
    working.turn!.release(true);
    await settled();
    expect(states([waiting!, more!])).toEqual(['works', 'waits']);
  });

  it('who is sent away comes back later than who was before, at the pace of the target', async () => {
    const turns = turnsOf(2);
    await measured(turns, 2000);
    const takings = take(turns, 8);
    await settled();
    const away = takings.filter(({ state }) => state === 'sent away');
    // two at a time take two seconds, and two wait
    const seconds = away.map(({ pass }) => (pass.nextAttemptTime('bank') - clock.now()) / 1000);
    expect(seconds).toEqual([3, 4, 5, 6, 7]);
  });

  it('nobody has to come back later than in half a minute, nor at once', () => {
    const turns = turnsOf(1);
    const times = Array.from({ length: 10_000 }, () => turns.forPass().nextAttemptTime('bank') - clock.now());
    expect(Math.min(...times)).toBeGreaterThanOrEqual(200);
    expect(Math.max(...times)).toBeLessThanOrEqual(30_000);
  });

  it('it is told once when there is room again', async () => {
    const turns = turnsOf(2);
    const working = await measured(turns, 1000);
    const takings = take(turns, 4);
    await settled();
    expect(takings[3]!.state).toBe('sent away');
    takings[3]!.pass.nextAttemptTime('bank');
    expect(rooms).toBe(0);
    working.turn!.release(true);
    expect(rooms).toBe(1);
    takings[0]!.turn!.release(true);
    expect(rooms).toBe(1);
  });

  it('nobody is told when nobody was sent away', async () => {
    const turns = turnsOf(2);
    const takings = take(turns, 4);
    for (const taking of takings) {
      await taking.taken;
      taking.turn!.release(true);
    }
    expect(rooms).toBe(0);
  });

  it('a clock that is set changes nothing for long', async () => {
    const turns = turnsOf(1);
    for (const ms of [-3_600_000, 3_600_000]) {
      const [taking] = take(turns, 1);
      await taking!.taken;
      clock.jump(ms);
      taking!.turn!.release(true);
      const later = turns.forPass().nextAttemptTime('bank') - clock.now();
      expect(later).toBeGreaterThan(0);
      expect(later).toBeLessThanOrEqual(30_000);
    }
    expect(clock.now()).toBe(START_TIME);
  });
});
