import { describe, expect, it } from 'vitest';
import {
  DtmArgumentError,
  SEQUENTIAL,
  assertSagaPlan,
  decodeSagaPlan,
  encodeSagaPlan,
  predecessors,
} from '../../../lib/protocol/internal.js';

const orders = (...entries: [number, number[]][]): Map<number, number[]> => new Map(entries);

describe('writing custom_data of a saga', () => {
  it('says nothing of a sequential saga', () => {
    expect(encodeSagaPlan(SEQUENTIAL)).toBeUndefined();
  });

  it('names concurrency and orders as Go does', () => {
    expect(encodeSagaPlan({ concurrent: true, orders: orders([1, [0]]) })).toBe(
      '{"concurrent":true,"orders":{"1":[0]}}',
    );
    expect(encodeSagaPlan({ concurrent: false, orders: orders([2, [0]]) })).toBe(
      '{"concurrent":false,"orders":{"2":[0]}}',
    );
  });
});

describe('reading custom_data of a saga', () => {
  it.each([undefined, '', 'null', '{}', '{"orders":null}', '{"concurrent":false,"orders":{}}', '{"other":1}'])(
    '%j is sequential',
    (text) => {
      expect(decodeSagaPlan(text, 3)).toEqual(SEQUENTIAL);
    },
  );

  it('gives back what was written', () => {
    const plan = { concurrent: true, orders: orders([1, [0]], [2, [0, 1]]) };
    expect(decodeSagaPlan(encodeSagaPlan(plan), 3)).toEqual(plan);
  });

  it('takes a null list as empty', () => {
    expect(decodeSagaPlan('{"concurrent":true,"orders":{"1":null}}', 2).orders.get(1)).toEqual([]);
  });

  it.each<[string, RegExp]>([
    ['{', /is not JSON: .*; expected something like \{/],
    ['5', /custom_data must be a JSON object/],
    ['[]', /custom_data must be a JSON object/],
    ['{"concurrent":"yes"}', /concurrent must be true or false/],
    ['{"orders":5}', /orders in custom_data must be an object/],
    ['{"orders":[[0]]}', /orders in custom_data must be an object/],
    ['{"orders":"x"}', /orders in custom_data must be an object/],
    ['{"orders":{"1":0}}', /orders\["1"\] must be an array/],
    ['{"orders":{"1":["0"]}}', /step 0 does not exist/],
    ['{"orders":{"1":[0.5]}}', /step 0.5 does not exist/],
    ['{"orders":{"1":[2]}}', /step 2 does not exist; the saga has 2 steps/],
    ['{"orders":{"1":[-1]}}', /step -1 does not exist/],
    ['{"orders":{"2":[0]}}', /step 2 does not exist/],
    ['{"orders":{"-1":[0]}}', /step -1 does not exist/],
    ['{"orders":{"x":[0]}}', /step -1 does not exist/],
    ['{"concurrent":true,"orders":{"0":[0]}}', /circle/],
    ['{"concurrent":true,"orders":{"0":[1],"1":[0]}}', /circle/],
  ])('refuses %s', (text, message) => {
    expect(() => decodeSagaPlan(text, 2)).toThrow(DtmArgumentError);
    expect(() => decodeSagaPlan(text, 2)).toThrow(message);
  });
});

describe('checking a plan', () => {
  it('finds a circle through many steps, and one that the sequence closes', () => {
    expect(() =>
      assertSagaPlan({ concurrent: true, orders: orders([0, [3]], [3, [2]], [2, [1]], [1, [0]]) }, 4),
    ).toThrow(/circle/);
    expect(() => assertSagaPlan({ concurrent: false, orders: orders([0, [2]]) }, 3)).toThrow(/circle/);
  });

  it('allows steps that wait for later ones, diamonds and repetitions', () => {
    const plan = { concurrent: true, orders: orders([0, [3]], [1, [0]], [2, [0, 0]], [4, [1, 2]]) };
    expect(() => assertSagaPlan(plan, 5)).not.toThrow();
  });

  it('copes with 10,000 steps in a chain', () => {
    const chain = new Map(Array.from({ length: 9999 }, (_, index) => [index + 1, [index]]));
    expect(() => assertSagaPlan({ concurrent: true, orders: chain }, 10_000)).not.toThrow();
    chain.set(0, [9999]);
    expect(() => assertSagaPlan({ concurrent: true, orders: chain }, 10_000)).toThrow(/circle/);
  });

  it('takes time that grows with the size of the plan, not with its square', () => {
    // 200,000 entries: quadratic work would outlast the test's own timeout by far
    const plan = { concurrent: false, orders: orders([1, Array.from({ length: 200_000 }, () => 0)]) };
    expect(() => assertSagaPlan(plan, 2)).not.toThrow();
  });

  it('a step waits for the one before unless the saga is concurrent, and for its orders in any case', () => {
    const sequential = { concurrent: false, orders: orders([2, [0]]) };
    expect([0, 1, 2].map((step) => predecessors(sequential, step))).toEqual([[], [0], [1, 0]]);
    expect([0, 1, 2].map((step) => predecessors({ ...sequential, concurrent: true }, step))).toEqual([[], [], [0]]);
  });
});
