import { afterAll, beforeAll, describe } from 'vitest';
import { RUNS, prepare, type BarrierFixture } from './barrier-fixture.js';
import { decisions } from './cases/decisions.js';
import { failures } from './cases/failures.js';
import { identifiers } from './cases/identifiers.js';
import { joining } from './cases/joining.js';
import { messages } from './cases/messages.js';
import { pools } from './cases/pools.js';
import { races } from './cases/races.js';
import { tables } from './cases/tables.js';

/**
 * What every barrier adapter must do, in every database.
 *
 * @param name - adapter and database
 * @param setup - makes the fixture; its database may hold other things, and a barrier table
 */
export function barrierContract<Tx>(name: string, setup: () => Promise<BarrierFixture<Tx>>): void {
  describe(name, () => {
    let fixture: BarrierFixture<Tx> | undefined;
    const opened = (): BarrierFixture<Tx> => {
      if (!fixture) throw new Error('the fixture is made before the first test');
      return fixture;
    };
    beforeAll(async () => {
      fixture = await setup();
      await prepare(fixture);
    });
    afterAll(() => fixture?.close());

    describe('call', () => decisions(opened, RUNS.call));
    describe('join', () => decisions(opened, RUNS.join));
    describe("join in the caller's transaction", () => joining(opened));
    describe('failures', () => failures(opened));
    describe('identifiers', () => identifiers(opened));
    describe('table', () => tables(opened));
    describe('messages', () => messages(opened));
    describe('races', () => races(opened));
    describe('pools', () => pools(opened));
  });
}
