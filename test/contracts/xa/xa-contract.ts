import { afterAll, beforeAll, describe } from 'vitest';
import { concurrency } from './cases/concurrency.js';
import { decisions } from './cases/decisions.js';
import { doubts } from './cases/doubts.js';
import { failures } from './cases/failures.js';
import { identifiers } from './cases/identifiers.js';
import { order } from './cases/order.js';
import type { XaBed } from './xa-bed.js';

/**
 * What every XA adapter must do.
 *
 * @param name - adapter
 * @param setup - makes the bed
 */
export function xaContract<Tx>(name: string, setup: () => Promise<XaBed<Tx>>): void {
  describe(name, () => {
    let bed: XaBed<Tx> | undefined;
    const opened = (): XaBed<Tx> => {
      if (!bed) throw new Error('the bed is made before the first test');
      return bed;
    };
    beforeAll(async () => {
      bed = await setup();
      await bed.pool(2).adapter.createTable();
      await bed.rows('create table if not exists account (id int primary key, balance int not null)');
    });
    afterAll(() => bed?.close());

    describe('decisions', () => decisions(opened));
    describe('the order of calls', () => order(opened));
    describe('failures', () => failures(opened));
    describe('identifiers', () => identifiers(opened));
    describe('many branches at the same time', () => concurrency(opened));
    describe('branches in doubt', () => doubts(opened));
  });
}
