import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DtmConnectionError, DtmFailureError, DtmServerError } from 'nestjs-dtm';
import { httpServer } from 'nestjs-dtm/client';
import { seededRandom } from '../../support/random.js';
import { waitUntil } from '../../support/wait-until.js';
import { startBankApp, transferBySaga, transferByTcc, type Transfer } from './bank-app.js';
import { BEDS, temporaryFolder } from './beds.js';
import { allTransactions, expectConsistent, isSettled } from './invariants.js';

const KILLS = 5;
const INITIATORS = 16;

/** A coordinator process that can be killed and started again on the same file and port. */
class CoordinatorProcess {
  #child: ChildProcess | undefined;

  constructor(
    readonly path: string,
    readonly port: number,
  ) {}

  async start(): Promise<void> {
    const program = fileURLToPath(new URL('./coordinator-process.mjs', import.meta.url));
    this.#child = fork(program, [this.path, String(this.port)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const [message] = (await Promise.race([once(this.#child, 'message'), once(this.#child, 'exit')])) as [unknown];
    if (message !== 'ready') throw new Error(`the coordinator process ended with ${String(message)}`);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}

for (const { title, available, make } of BEDS) {
  describe.skipIf(!available)(`a coordinator killed with SIGKILL again and again, ${title}`, () => {
    it('finishes every acknowledged transaction, and nothing twice', async () => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      console.log(`seed ${seed}`);
      const random = seededRandom(seed);
      const bed = await make();
      onTestFinished(() => bed.close());
      const [bankOut, bankIn] = bed.banks;
      await bankOut.open([1, 2, 3, 4, 5], 100_000);
      await bankIn.open([6, 7, 8, 9, 10], 100_000);
      const folder = await temporaryFolder();
      onTestFinished(() => folder.remove());
      const coordinator = new CoordinatorProcess(join(folder.path, 'dtm.db'), await freePort());
      await coordinator.start();
      onTestFinished(() => coordinator.kill());
      const url = `http://127.0.0.1:${coordinator.port}`;
      const { app, dtm } = await startBankApp(url, bankOut, bankIn);
      onTestFinished(() => app.close());

      const acknowledged = new Set<string>();
      const enough = new AbortController();
      let count = 0;
      const initiate = async () => {
        while (!enough.signal.aborted) {
          const index = count++;
          const gid = `transfer-${index}`;
          const transfer: Transfer = {
            from: 1 + Math.floor(random() * 5),
            to: 6 + Math.floor(random() * 5),
            amount: 1 + Math.floor(random() * 30),
            refuse: index % 4 === 0,
          };
          const transact = index % 2 === 0 ? transferBySaga : transferByTcc;
          try {
            await transact(dtm, transfer, {
              gid,
              retryIntervalSeconds: 1,
              timeoutToFailSeconds: index % 2 === 0 ? undefined : 3,
            });
            acknowledged.add(gid);
          } catch (error) {
            // no answer: killed; a refusal: by the second branch, or of a TCC that has timed out meanwhile
            const isExpected = [DtmConnectionError, DtmFailureError, DtmServerError].some(
              (type) => error instanceof type,
            );
            expect(isExpected, String(error)).toBe(true);
          }
        }
      };
      const initiators = Array.from({ length: INITIATORS }, initiate);
      for (let kill = 0; kill < KILLS; kill++) {
        const target = acknowledged.size + 20 + Math.floor(random() * 40);
        await waitUntil(() => acknowledged.size >= target);
        await coordinator.kill();
        await coordinator.start();
      }
      enough.abort();
      await Promise.all(initiators);

      const api = httpServer(url);
      onTestFinished(() => api.close());
      await waitUntil(() => isSettled(api));
      const transactions = await allTransactions(api);
      const known = new Set(transactions.map(({ gid }) => gid));
      expect([...acknowledged].filter((gid) => !known.has(gid))).toEqual([]);
      await expectConsistent(bed.banks, transactions, 10 * 100_000);
      console.log(`${KILLS} kills, ${acknowledged.size} acknowledged of ${count}, ${transactions.length} stored`);
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
