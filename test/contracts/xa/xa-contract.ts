import { afterAll, beforeAll, describe } from 'vitest';
import { concurrency } from './cases/concurrency.js';
import { decisions } from './cases/decisions.js';
import { doubts } from './cases/doubts.js';
import { failures } from './cases/failures.js';
import { identifiers } from './cases/identifiers.js';
import { order } from './cases/order.js';
import type { XaFixture } from './xa-fixture.js';

/**
 * What every XA adapter must do.
 *
 * @param name - adapter
 * @param setup - makes the fixture
 */
export function xaContract<Tx>(name: string, setup: () => Promise<XaFixture<Tx>>): void {
  describe(name, () => {
    let fixture: XaFixture<Tx> | undefined;
    const opened = (): XaFixture<Tx> => {
      if (!fixture) throw new Error('the fixture is made before the first test');
      return fixture;
    };
    beforeAll(async () => {
      fixture = await setup();
      await fixture.pool(2).adapter.createTable();
      await fixture.rows('create table if not exists account (id int primary key, balance int not null)');
    });
    afterAll(() => fixture?.close());

    describe('decisions', () => decisions(opened));
    describe('the order of calls', () => order(opened));
    describe('failures', () => failures(opened));
    describe('identifiers', () => identifiers(opened));
    describe('many branches at the same time', () => concurrency(opened));
    describe('branches in doubt', () => doubts(opened));
  });
}
