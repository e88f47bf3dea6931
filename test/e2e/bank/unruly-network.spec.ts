import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DtmFailureError } from 'nestjs-dtm';
import { embeddedServer, sqliteStore } from 'nestjs-dtm/server';
import { seededRandom } from '../../support/random.js';
import { waitUntil } from '../../support/wait-until.js';
import { startBankApp, transferBySaga, transferByTcc, type Transfer } from './bank-app.js';
import { BEDS, temporaryFolder } from './beds.js';
import { allTransactions, expectConsistent, isSettled } from './invariants.js';
import { unrulyTransport } from './unruly-transport.js';

const TRANSFERS = 200;
const OPENING_BALANCE = 1000;
const PAYERS = [1, 2, 3, 4, 5];
const RECEIVERS = [6, 7, 8, 9, 10];

for (const { title, available, make } of BEDS)
  describe.skipIf(!available)(`200 concurrent transfers over an unruly network, ${title}`, () => {
    it('end with all money where it belongs and every transaction final', async () => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      console.log(`seed ${seed}`);
      const random = seededRandom(seed);
      const bed = await make();
      onTestFinished(() => bed.close());
      const [bankOut, bankIn] = bed.banks;
      await bankOut.open(PAYERS, OPENING_BALANCE);
      await bankIn.open(RECEIVERS, OPENING_BALANCE);
      const folder = await temporaryFolder();
      onTestFinished(() => folder.remove());
      const transport = unrulyTransport(random);
      const server = embeddedServer({
        store: sqliteStore({ path: join(folder.path, 'dtm.db') }),
        transport,
        pollIntervalSeconds: 0.05,
        maxRetryIntervalSeconds: 1,
        logger: {
          info: () => undefined,
          warn: () => undefined,
          error: (message, fields) => console.error(message, fields),
        },
      });
      const { app, dtm } = await startBankApp(server, bankOut, bankIn);
      onTestFinished(() => app.close());

      await Promise.all(
        Array.from({ length: TRANSFERS }, async (_, index) => {
          const transfer: Transfer = {
            from: PAYERS[Math.floor(random() * 5)]!,
            to: RECEIVERS[Math.floor(random() * 5)]!,
            amount: 1 + Math.floor(random() * 30),
            refuse: index % 4 === 0,
          };
          // two banks with one connection each take their time for 200 transfers at once
          const options = {
            gid: `transfer-${index}`,
            retryIntervalSeconds: 1,
            requestTimeoutSeconds: 30,
            timeoutToFailSeconds: 120,
          };
          // every second saga gives up after a few lost answers, so that some are undone while a call is held back
          if (index % 2 === 0)
            await transferBySaga(dtm, transfer, { ...options, retryLimit: index % 3 === 0 ? 1 : undefined });
          else await transferByTcc(dtm, transfer, options).catch(expectRefusal);
        }),
      );
      await waitUntil(() => isSettled(server));
      await transport.settle();

      const transactions = await allTransactions(server);
      expect(transactions).toHaveLength(TRANSFERS);
      const succeeded = transactions.filter(({ status }) => status === 'succeed').length;
      expect(succeeded).toBeGreaterThan(0);
      expect(succeeded).toBeLessThanOrEqual(TRANSFERS * 0.75);
      await expectConsistent(bed.banks, transactions, 10 * OPENING_BALANCE);
    });
  });

function expectRefusal(error: unknown): void {
  expect(error).toBeInstanceOf(DtmFailureError);
}
