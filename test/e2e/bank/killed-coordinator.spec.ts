import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DtmConnectionError, DtmFailureError, DtmOngoingError, DtmServerError } from 'nestjs-dtm';
import { dtmHttpClient } from 'nestjs-dtm/client';
import { seededRandom } from '../../support/random.js';
import { waitUntil } from '../../support/wait-until.js';
import { startBankApp, transferBySaga, transferByTcc, type Transfer } from './bank-app.js';
import { BEDS, temporaryFolder, type Bed } from './beds.js';
import { CoordinatorClient, NoAnswer } from './coordinator-client.js';
import { CoordinatorProcess } from './coordinator-process.js';
import { InitiatorDied, TransferWorkflow, transferByMessage, transferByXa, type End } from './initiators.js';
import { allTransactions, expectConsistent, isSettled } from './invariants.js';
import { Participants } from './participants.js';

const INITIATORS = 20;
const PAYERS = [1, 2, 3, 4, 5];
const RECEIVERS = [6, 7, 8, 9, 10];
const OPENING_BALANCE = 100_000;

const MODES = ['saga', 'tcc', 'msg', 'xa', 'workflow'] as const;
type Mode = (typeof MODES)[number];

/** Makes one transfer in a mode; tells how it ended, where its initiator knows. */
type Transact = (gid: string, transfer: Transfer, isWaiting: boolean) => Promise<End | undefined>;

/** What initiators were told. */
class Notes {
  /** Transactions that the coordinator has accepted. */
  readonly acknowledged = new Set<string>();
  readonly ends = new Map<string, End>();
  count = 0;
}

/** Everything that makes transfers, in each mode. */
async function initiatorsOf(
  bed: Bed,
  origin: string,
  coordinator: CoordinatorClient,
  random: () => number,
): Promise<Record<Mode, Transact>> {
  const participants = await Participants.start({ banks: bed.banks, xa: await bed.xaBanks(), coordinator });
  onTestFinished(() => participants.close());
  const { app, dtm } = await startBankApp(origin, ...bed.banks);
  onTestFinished(() => app.close());
  const mayDie = (): void => {
    if (random() < 0.02) throw new InitiatorDied();
  };
  const world = { bankOut: bed.banks[0], coordinator, participants, mayDie };
  const workflow = new TransferWorkflow(world);
  // nobody else changes the accounts of XA, where prepared changes hold locks
  const ofXa = (transfer: Transfer): Transfer => ({ ...transfer, from: transfer.from + 10, to: transfer.to + 10 });
  return {
    saga: async (gid, transfer, waitResult) => {
      await transferBySaga(dtm, transfer, { gid, waitResult, retryIntervalSeconds: 1 });
      return waitResult ? 'succeed' : undefined;
    },
    tcc: async (gid, transfer, waitResult) => {
      await transferByTcc(dtm, transfer, { gid, waitResult, retryIntervalSeconds: 1, timeoutToFailSeconds: 3 });
      return 'succeed';
    },
    msg: (gid, transfer) => transferByMessage(world, gid, transfer),
    xa: (gid, transfer) => transferByXa(world, gid, ofXa(transfer)),
    workflow: (gid, transfer) => workflow.run(gid, transfer),
  };
}

/** Makes transfers until it is enough; what may go wrong while the coordinator is dead goes wrong. */
async function initiate(
  initiators: Record<Mode, Transact>,
  notes: Notes,
  random: () => number,
  isEnough: () => boolean,
): Promise<void> {
  while (!isEnough()) {
    const index = notes.count++;
    const mode = MODES[index % MODES.length]!;
    const gid = `${mode}-${index}`;
    const transfer: Transfer = {
      from: 1 + Math.floor(random() * 5),
      to: 6 + Math.floor(random() * 5),
      amount: 1 + Math.floor(random() * 30),
      refuse: random() < 0.25,
    };
    try {
      const end = await initiators[mode](gid, transfer, random() < 0.5);
      notes.acknowledged.add(gid);
      if (end) notes.ends.set(gid, end);
    } catch (error) {
      if (error instanceof DtmFailureError) notes.ends.set(gid, 'failed');
      // no answer: killed; an answer that says nothing yet; a branch that could not ask the coordinator; a race of two runs
      const isExpected =
        [DtmConnectionError, DtmFailureError, DtmOngoingError, DtmServerError, NoAnswer, InitiatorDied].some(
          (type) => error instanceof type,
        ) || /\/xa\/|another run|UniqueKeyConflict/.test(String(error));
      expect(isExpected, `${gid}: ${String(error)}`).toBe(true);
      // it takes its time to start again
      await sleep(20);
    }
  }
}

for (const { title, available, kills, make } of BEDS) {
  describe.skipIf(!available)(`a coordinator killed with SIGKILL ${kills} times in a row, ${title}`, () => {
    it('brings every acknowledged transaction of each mode to its end, and does nothing twice', async () => {
      const seed = Number(process.env['DTM_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
      console.log(`seed ${seed}`);
      const random = seededRandom(seed);
      const bed = await make();
      onTestFinished(() => bed.close());
      const accounts = (users: readonly number[]): number[] => [...users, ...users.map((user) => user + 10)];
      await bed.banks[0].open(accounts(PAYERS), OPENING_BALANCE);
      await bed.banks[1].open(accounts(RECEIVERS), OPENING_BALANCE);
      const folder = await temporaryFolder();
      onTestFinished(() => folder.remove());
      const coordinator = await CoordinatorProcess.on(join(folder.path, 'dtm.db'));
      await coordinator.start();
      onTestFinished(() => coordinator.kill());
      const client = new CoordinatorClient(coordinator.origin);
      const initiators = await initiatorsOf(bed, coordinator.origin, client, random);

      const notes = new Notes();
      let isEnough = false;
      const transfers = Array.from({ length: INITIATORS }, () => initiate(initiators, notes, random, () => isEnough));
      for (let kill = 0; kill < kills; kill++) {
        const target = notes.acknowledged.size + 3 + Math.floor(random() * 15);
        await waitUntil(() => notes.acknowledged.size >= target);
        await coordinator.kill();
        await coordinator.start();
      }
      isEnough = true;
      await Promise.all(transfers);

      const api = dtmHttpClient(coordinator.origin);
      onTestFinished(() => api.close());
      await waitUntil(() => isSettled(api));
      const transactions = await allTransactions(api);
      const ends = new Map(transactions.map(({ gid, status }) => [gid, status]));
      expect(
        [...notes.acknowledged].filter((gid) => !ends.has(gid)),
        'acknowledged and lost',
      ).toEqual([]);
      const wrong = [...notes.ends].filter(([gid, end]) => (ends.get(gid) ?? 'failed') !== end);
      expect(wrong, 'ended in another way than its initiator was told').toEqual([]);
      await expectConsistent(bed.banks, transactions, 20 * OPENING_BALANCE);
      for (const bank of await bed.xaBanks()) expect(await bank.pending(), 'prepared for ever').toEqual([]);
      expect(new Set(transactions.map(({ transType }) => transType))).toEqual(new Set(MODES));
      expect(new Set(ends.values())).toEqual(new Set(['succeed', 'failed']));
      console.log(
        `${kills} kills, ${notes.acknowledged.size} acknowledged of ${notes.count}, ${transactions.length} stored`,
      );
    });
  });
}
