import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DtmConnectionError, DtmFailureError, DtmOngoingError, DtmServerError } from 'nestjs-dtm';
import { dtmHttpClient } from 'nestjs-dtm/client';
import { seededRandom } from '../../support/random.js';
import { waitUntil } from '../../support/wait-until.js';
import { startBankApp, transferBySaga, transferByTcc, type Transfer } from './bank-app.js';
import { BANK_FIXTURES, temporaryFolder, type BankFixture } from './bank-fixtures.js';
import { CoordinatorClient, NoAnswer } from './coordinator-client.js';
import { CoordinatorProcess } from './coordinator-process.js';
import { InitiatorCrashed, TransferWorkflow, transferByMessage, transferByXa, type FinalStatus } from './initiators.js';
import { allTransactions, expectConsistent, areAllFinal } from './invariants.js';
import { Participants } from './participants.js';

const INITIATORS = 20;
const PAYERS = [1, 2, 3, 4, 5];
const RECEIVERS = [6, 7, 8, 9, 10];
const OPENING_BALANCE = 100_000;

const MODES = ['saga', 'tcc', 'msg', 'xa', 'workflow'] as const;
type Mode = (typeof MODES)[number];

/** Runs one transfer in a mode; returns the final status if the initiator learns it. */
type Transact = (gid: string, transfer: Transfer, isWaiting: boolean) => Promise<FinalStatus | undefined>;

/** What the initiators learned. */
class Observations {
  /** Transactions that the coordinator has accepted. */
  readonly acknowledged = new Set<string>();
  readonly ends = new Map<string, FinalStatus>();
  count = 0;
}

/** Creates the initiators of each mode. */
async function initiatorsOf(
  fixture: BankFixture,
  origin: string,
  coordinator: CoordinatorClient,
  random: () => number,
): Promise<Record<Mode, Transact>> {
  const participants = await Participants.start({ banks: fixture.banks, xa: await fixture.xaBanks(), coordinator });
  onTestFinished(() => participants.close());
  const { app, dtm } = await startBankApp(origin, ...fixture.banks);
  onTestFinished(() => app.close());
  const maybeCrash = (): void => {
    if (random() < 0.02) throw new InitiatorCrashed();
  };
  const environment = { bankOut: fixture.banks[0], coordinator, participants, maybeCrash };
  const workflow = new TransferWorkflow(environment);
  // XA uses its own accounts, because prepared changes hold locks
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
    msg: (gid, transfer) => transferByMessage(environment, gid, transfer),
    xa: (gid, transfer) => transferByXa(environment, gid, ofXa(transfer)),
    workflow: (gid, transfer) => workflow.run(gid, transfer),
  };
}

/** Runs transfers until `isEnough`; accepts the errors that a dead coordinator causes. */
async function initiate(
  initiators: Record<Mode, Transact>,
  observations: Observations,
  random: () => number,
  isEnough: () => boolean,
): Promise<void> {
  while (!isEnough()) {
    const index = observations.count++;
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
      observations.acknowledged.add(gid);
      if (end) observations.ends.set(gid, end);
    } catch (error) {
      if (error instanceof DtmFailureError) observations.ends.set(gid, 'failed');
      // killed coordinator; undecided answer; a branch without access to the coordinator; a race of two workflow runs
      const isExpected =
        [DtmConnectionError, DtmFailureError, DtmOngoingError, DtmServerError, NoAnswer, InitiatorCrashed].some(
          (type) => error instanceof type,
        ) || /\/xa\/|another run|UniqueKeyConflict/.test(String(error));
      expect(isExpected, `${gid}: ${String(error)}`).toBe(true);
      // the coordinator needs time to restart
      await sleep(20);
    }
  }
}

for (const { title, available, kills, create } of BANK_FIXTURES) {
  describe.skipIf(!available)(`a coordinator that is killed ${kills} times, ${title}`, () => {
    it('finishes every acknowledged transaction in each mode, without duplicate effects', async () => {
      const seed = Number(process.env['DTM_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
      console.log(`seed ${seed}`);
      const random = seededRandom(seed);
      const fixture = await create();
      onTestFinished(() => fixture.close());
      const accounts = (users: readonly number[]): number[] => [...users, ...users.map((user) => user + 10)];
      await fixture.banks[0].open(accounts(PAYERS), OPENING_BALANCE);
      await fixture.banks[1].open(accounts(RECEIVERS), OPENING_BALANCE);
      const folder = await temporaryFolder();
      onTestFinished(() => folder.remove());
      const coordinator = await CoordinatorProcess.create(join(folder.path, 'dtm.db'));
      await coordinator.start();
      onTestFinished(() => coordinator.kill());
      const client = new CoordinatorClient(coordinator.origin);
      const initiators = await initiatorsOf(fixture, coordinator.origin, client, random);

      const observations = new Observations();
      let isEnough = false;
      const transfers = Array.from({ length: INITIATORS }, () =>
        initiate(initiators, observations, random, () => isEnough),
      );
      for (let kill = 0; kill < kills; kill++) {
        const target = observations.acknowledged.size + 3 + Math.floor(random() * 15);
        await waitUntil(() => observations.acknowledged.size >= target);
        await coordinator.kill();
        await coordinator.start();
      }
      isEnough = true;
      await Promise.all(transfers);

      const api = dtmHttpClient(coordinator.origin);
      onTestFinished(() => api.close());
      await waitUntil(() => areAllFinal(api));
      const transactions = await allTransactions(api);
      const ends = new Map(transactions.map(({ gid, status }) => [gid, status]));
      expect(
        [...observations.acknowledged].filter((gid) => !ends.has(gid)),
        'acknowledged but lost',
      ).toEqual([]);
      const wrong = [...observations.ends].filter(([gid, end]) => (ends.get(gid) ?? 'failed') !== end);
      expect(wrong, 'final status differs from the one that the initiator learned').toEqual([]);
      await expectConsistent(fixture.banks, transactions, 20 * OPENING_BALANCE);
      for (const bank of await fixture.xaBanks()) expect(await bank.pending(), 'still prepared').toEqual([]);
      expect(new Set(transactions.map(({ transType }) => transType))).toEqual(new Set(MODES));
      expect(new Set(ends.values())).toEqual(new Set(['succeed', 'failed']));
      console.log(
        `${kills} kills, ${observations.acknowledged.size} acknowledged of ${observations.count}, ${transactions.length} stored`,
      );
    });
  });
}
