import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DtmFailureError } from 'nestjs-dtm';
import { embeddedServer, sqliteStore } from 'nestjs-dtm/server';
import { seededRandom } from '../../support/random.js';
import { waitUntil } from '../../support/wait-until.js';
import { startBankApp, transferBySaga, transferByTcc, type Transfer } from './bank-app.js';
import { BANK_FIXTURES, temporaryFolder } from './bank-fixtures.js';
import { allTransactions, expectConsistent, areAllFinal } from './invariants.js';
import { unreliableTransport } from './unreliable-transport.js';

const TRANSFERS = 200;
const OPENING_BALANCE = 1000;
const PAYERS = [1, 2, 3, 4, 5];
const RECEIVERS = [6, 7, 8, 9, 10];

for (const { title, available, create } of BANK_FIXTURES)
  describe.skipIf(!available)(`200 concurrent transfers over an unreliable network, ${title}`, () => {
    it('conserve the money and all reach a final status', async () => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      console.log(`seed ${seed}`);
      const random = seededRandom(seed);
      const fixture = await create();
      onTestFinished(() => fixture.close());
      const [bankOut, bankIn] = fixture.banks;
      await bankOut.open(PAYERS, OPENING_BALANCE);
      await bankIn.open(RECEIVERS, OPENING_BALANCE);
      const folder = await temporaryFolder();
      onTestFinished(() => folder.remove());
      const transport = unreliableTransport(random);
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
          // two banks with one connection each are slow for 200 transfers at once
          const options = {
            gid: `transfer-${index}`,
            retryIntervalSeconds: 1,
            requestTimeoutSeconds: 30,
            timeoutToFailSeconds: 120,
          };
          // every second saga has a retry limit, so that some are undone while a call is delayed
          if (index % 2 === 0)
            await transferBySaga(dtm, transfer, { ...options, retryLimit: index % 3 === 0 ? 1 : undefined });
          else await transferByTcc(dtm, transfer, options).catch(expectRefusal);
        }),
      );
      await waitUntil(() => areAllFinal(server));
      await transport.settle();

      const transactions = await allTransactions(server);
      expect(transactions).toHaveLength(TRANSFERS);
      const succeeded = transactions.filter(({ status }) => status === 'succeed').length;
      expect(succeeded).toBeGreaterThan(0);
      expect(succeeded).toBeLessThanOrEqual(TRANSFERS * 0.75);
      await expectConsistent(fixture.banks, transactions, 10 * OPENING_BALANCE);
    });
  });

function expectRefusal(error: unknown): void {
  expect(error).toBeInstanceOf(DtmFailureError);
}
