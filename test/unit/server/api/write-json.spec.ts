import { expect, it } from 'vitest';
import { writeJson } from '../../../../lib/server/api/write-json.js';

it('writes what JSON.stringify writes, lists that are made meanwhile included, with escaped outcome words', async () => {
  const list = [1, 'ä', null, { a: [undefined], b: undefined }, 'FAILURE'];
  const fields = { text: '<ONGOING>', list, none: [], empty: null, missing: undefined, nested: { list } };
  const made = function* (): Generator<unknown> {
    yield* list;
  };
  const text = (await writeJson({ ...fields, list: made() })).toString();
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify({ ...fields, missing: null })));
  expect(text).not.toMatch(/FAILURE|ONGOING/);
  expect((await writeJson({})).toString()).toBe('{}');
});

it('lets other work go on while it writes a large list', async () => {
  let turns = 0;
  let isOver = false;
  const work = (): void => {
    turns++;
    if (!isOver) setImmediate(work);
  };
  work();
  const made: number[] = [];
  const list = function* (): Generator<string> {
    for (let index = 0; index < 160; index++) {
      made.push(turns);
      yield 'x'.repeat(100_000);
    }
  };
  const bytes = await writeJson({ list: list() });
  isOver = true;
  expect(bytes.length).toBeGreaterThan(16_000_000);
  // items are made when they are written, at most four in a turn
  const perTurn = made.map((turn) => made.filter((other) => other === turn).length);
  expect(Math.max(...perTurn)).toBeLessThanOrEqual(4);
  expect(turns).toBeGreaterThan(40);
});
