import { describe, expect, it } from 'vitest';
import { FairSlots } from '../../../lib/support/fair-slots.js';
import { SlotsByServer } from '../../../lib/support/slots-by-server.js';

/** Takes as many slots as a party gets. */
function takeAll(slots: FairSlots, name: string): number {
  let count = 0;
  while (slots.tryAcquire(name)) count++;
  return count;
}

describe('a party', () => {
  it('takes at most half of what the others leave free', () => {
    const slots = new FairSlots(512);
    const taken = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].map((name) => takeAll(slots, name));
    expect(taken).toEqual([256, 128, 64, 32, 16, 8, 4, 2, 1, 1]);
    expect(slots.tryAcquire('k')).toBe(false);
  });

  it('takes at least one slot while one is free', () => {
    expect(takeAll(new FairSlots(1), 'a')).toBe(1);
    const slots = new FairSlots(3);
    expect(['a', 'b', 'c', 'd'].map((name) => takeAll(slots, name))).toEqual([1, 1, 1, 0]);
  });

  it('that waits gets the next slot, first in, first out', () => {
    const slots = new FairSlots(2);
    expect(takeAll(slots, 'a')).toBe(1);
    const begun: number[] = [];
    for (const number of [1, 2, 3]) slots.wait('a', () => begun.push(number));
    expect(slots.waiting('a')).toBe(3);
    slots.release('a');
    expect(begun).toEqual([1]);
    slots.release('a');
    expect(begun).toEqual([1, 2]);
    expect([slots.running('a'), slots.waiting('a')]).toEqual([1, 1]);
  });

  it('does not wait behind the many calls of another party', () => {
    const slots = new FairSlots(4);
    for (const name of ['a', 'b', 'c', 'd']) slots.tryAcquire(name);
    const begun: string[] = [];
    for (let count = 0; count < 1000; count++) slots.wait('e', () => begun.push('e'));
    slots.wait('f', () => begun.push('f'));
    slots.release('a');
    slots.release('b');
    expect(begun).toEqual(['e', 'f']);
  });

  it('that cancels gets no slot, and is forgotten', () => {
    const slots = new FairSlots(2);
    slots.tryAcquire('a');
    const begun: string[] = [];
    const cancel = slots.wait('a', () => begun.push('first'));
    slots.wait('a', () => begun.push('second'));
    cancel();
    cancel();
    slots.release('a');
    expect(begun).toEqual(['second']);
    slots.release('a');
    const [x, y] = [slots.tryAcquire('x'), slots.tryAcquire('y')];
    expect([x, y]).toEqual([true, true]);
    slots.wait('z', () => undefined)();
    slots.release('x');
    slots.release('y');
    expect(slots.isIdle).toBe(true);
  });

  it('gets the slots that another one leaves', () => {
    const slots = new FairSlots(8);
    expect(['a', 'b'].map((name) => takeAll(slots, name))).toEqual([4, 2]);
    let begun = 0;
    for (let count = 0; count < 5; count++) slots.wait('b', () => begun++);
    for (let count = 0; count < 4; count++) slots.release('a');
    expect([begun, slots.running('b')]).toEqual([2, 4]);
  });
});

it('servers do not share slots, and are forgotten when they are idle', () => {
  const slots = new SlotsByServer(2);
  expect([slots.tryAcquire('one', 'a'), slots.tryAcquire('one', 'a'), slots.tryAcquire('two', 'a')]).toEqual([
    true,
    false,
    true,
  ]);
  let begun = false;
  slots.wait('one', 'a', () => (begun = true));
  expect([slots.running('one', 'a'), slots.waiting('one', 'a'), slots.waiting('two', 'a')]).toEqual([1, 1, 0]);
  slots.release('one', 'a');
  expect(begun).toBe(true);
  slots.release('one', 'a');
  expect([slots.running('one', 'a'), slots.waiting('one', 'a')]).toEqual([0, 0]);
});
