import { afterAll, beforeAll, describe } from 'vitest';
import { RUNS, prepare, type BarrierBed } from './barrier-bed.js';
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
 * @param setup - makes the bed; its database may hold other things, and a barrier table
 */
export function barrierContract<Tx>(name: string, setup: () => Promise<BarrierBed<Tx>>): void {
  describe(name, () => {
    let bed: BarrierBed<Tx> | undefined;
    const opened = (): BarrierBed<Tx> => {
      if (!bed) throw new Error('the bed is made before the first test');
      return bed;
    };
    beforeAll(async () => {
      bed = await setup();
      await prepare(bed);
    });
    afterAll(() => bed?.close());

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
