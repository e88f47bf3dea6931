import { DtmConfigError } from 'nestjs-dtm/protocol';
import { expect, it } from 'vitest';
import { runExclusive } from '../../../lib/barrier/sql/run-exclusive.js';

it('runs work in the order of the calls, also after a failure', async () => {
  const connection = {};
  const log: string[] = [];
  const work = (name: string, fails = false) =>
    runExclusive(connection, async () => {
      log.push(`${name} starts`);
      await new Promise(setImmediate);
      log.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    });
  const settled = await Promise.allSettled([work('a'), work('b', true), work('c')]);
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(log).toEqual(['a starts', 'a ends', 'b starts', 'b ends', 'c starts', 'c ends']);
});

it('does not make connections wait for each other', async () => {
  const [one, other] = [{}, {}];
  expect(await runExclusive(one, () => runExclusive(other, async () => 'ran'))).toBe('ran');
});

it('refuses work inside work on the same connection, however deep', async () => {
  const [one, other] = [{}, {}];
  const inner = () => runExclusive(one, async () => 'never');
  await expect(runExclusive(one, () => runExclusive(other, inner))).rejects.toThrow(DtmConfigError);
  expect(await runExclusive(one, async () => 'free again')).toBe('free again');
});

it('lets work that was left running use the connection later', async () => {
  const connection = {};
  let later: (() => Promise<string>) | undefined;
  await runExclusive(connection, async () => {
    // keeps the context of the work, as a timer started in it would
    later = bound(() => runExclusive(connection, async () => 'ran'));
  });
  expect(await later?.()).toBe('ran');
});

function bound<T>(work: () => Promise<T>): () => Promise<T> {
  let start!: () => void;
  const gate = new Promise<void>((resolve) => {
    start = resolve;
  });
  const result = gate.then(work);
  return () => {
    start();
    return result;
  };
}
