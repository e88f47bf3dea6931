import { expect, it } from 'vitest';
import { AnswerTurns } from '../../../lib/transport/http/answer-turns.js';

it('answers that use up the time of a turn leave the rest to later turns', async () => {
  const turns = new AnswerTurns();
  const waiting = new Set(['a', 'b', 'c', 'gone']);
  const order: string[] = [];
  const read = (name: string): void => {
    if (turns.isOver) {
      turns.postpone({ destroyed: name === 'gone', emit: () => (read(name), true) });
      return;
    }
    order.push(name);
    waiting.delete(name);
    // an answer that takes long
    while (!turns.isOver);
  };
  setImmediate(() => order.push('other work'));
  for (const name of waiting) read(name);
  expect(order).toEqual(['a']);
  while (order.length < 4) await new Promise<void>((resolve) => void setImmediate(resolve));
  expect(order).toEqual(['a', 'other work', 'b', 'c']);
  expect([...waiting]).toEqual(['gone']);
});
