import {
  GLOBAL_STATUSES,
  isFinal,
  type BranchRecord,
  type GlobalStatus,
  type KvRecord,
  type TransactionRecord,
} from 'nestjs-dtm/protocol';
import { memoryStore, type Store } from 'nestjs-dtm/server';
import { seededRandom } from '../../support/random.js';
import { TIME, branchOf, transactionOf } from './records.js';
import { wakeAll } from './wake-all.js';

/** Texts that encodings may change. */
const TEXTS = [
  '',
  'plain',
  '"quoted" \\ \'single\'',
  'a\u0000b',
  'tab\tline\nreturn\r',
  'a\ud800b',
  '\udc00',
  '😀 ä \u2028',
  'null',
  '{"a":[1]}',
  '%_%',
  '</script>',
  'x'.repeat(5000),
];

const GIDS = ['g', 'G', 'g1', 'g10', "o'g", '"g"', '😀', 'g_', 'g%'];

const URLS = ['http://a/1', 'http://a:80/1', 'http://a/"x"', 'http://b/\\', ''];

type Result = unknown;

/** A random operation that is executed on two stores. */
interface Operation {
  readonly title: string;
  run(store: Store): Promise<Result>;
}

/** Creates random operations; the same seed creates the same operations. */
class Dice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  upTo(most: number): number {
    return Math.floor(this.#random() * (most + 1));
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  of<T>(items: readonly T[]): T {
    return items[this.upTo(items.length - 1)]!;
  }

  maybe<T>(make: () => T): T | undefined {
    return this.chance(0.5) ? make() : undefined;
  }

  status(): GlobalStatus {
    return this.of(GLOBAL_STATUSES);
  }

  transaction(gid: string, now: number): TransactionRecord {
    return transactionOf(gid, {
      transType: this.of(['saga', 'tcc', 'workflow']),
      status: this.status(),
      createTime: now,
      ...this.changes(now),
    });
  }

  /** Fields that an update may change, each set or not. */
  changes(now: number): Partial<TransactionRecord> {
    return {
      updateTime: now - this.upTo(50),
      nextCronTime: now + this.upTo(100) - 50,
      nextCronInterval: this.upTo(300),
      options: this.maybe(() => ({ retryLimit: 3, branchHeaders: { a: this.of(TEXTS) } })) ?? {},
      owner: this.maybe(() => this.of(['me', 'you'])),
      attention: this.maybe(() => this.of(['look', 'at "this" \ud800 \u0000 😀'])),
      rollbackReason: this.maybe(() => this.of(TEXTS)),
      queryPrepared: this.maybe(() => this.of(URLS)),
      customData: this.maybe(() => this.of(TEXTS)),
      result: this.maybe(() => this.of(TEXTS)),
      finishTime: this.maybe(() => now),
      rollbackTime: this.maybe(() => now),
      retryCount: this.maybe(() => this.upTo(5)),
      concurrent: this.maybe(() => true),
    };
  }

  branch(branchId: string): BranchRecord {
    return this.progress(
      branchOf(branchId, {
        op: this.of(['action', 'compensate']),
        url: this.of(URLS),
        payload: this.chance(0.3) ? Uint8Array.from({ length: this.upTo(40) }, () => this.upTo(255)) : this.of(TEXTS),
      }),
    );
  }

  /** A possible outcome of a branch. */
  progress(branch: BranchRecord): BranchRecord {
    return {
      ...branch,
      status: this.of(['prepared', 'succeed', 'failed'] as const),
      finishTime: this.maybe(() => TIME),
      attempts: this.maybe(() => this.upTo(9)),
      failures: this.maybe(() => this.upTo(9)),
      lastError: this.maybe(() => this.of(TEXTS)),
    };
  }
}

/** Executes each operation on a store and on a memory store and compares the results. */
export class StoreModel {
  readonly #dice: Dice;
  readonly #memory = memoryStore();
  readonly #make: () => Store;
  #store: Store;
  #now = TIME;
  #branches = 0;

  /**
   * @param seed - of the operations
   * @param make - makes the store under test; called again to open anew what an earlier one has kept
   */
  constructor(seed: number, make: () => Store) {
    this.#dice = new Dice(seed);
    this.#make = make;
    this.#store = make();
  }

  /**
   * Runs a number of operations.
   *
   * @param compare - throws when two answers differ
   */
  async run(operations: number, compare: (actual: Result, expected: Result, title: string) => void): Promise<void> {
    await this.#store.open();
    for (let number = 0; number < operations; number++) {
      this.#now += this.#dice.upTo(20);
      if (this.#dice.chance(0.01)) await this.#restart();
      const { title, run } = await this.#operation();
      compare(await run(this.#store), await run(this.#memory), `operation ${number}, ${title}`);
      for (const gid of GIDS) {
        compare(
          await this.#store.find(gid),
          await this.#memory.find(gid),
          `${gid} after operation ${number}, ${title}`,
        );
      }
    }
    await this.#store.close();
  }

  /** The leases of the process before are released. */
  async #restart(): Promise<void> {
    await this.#store.close();
    this.#store = this.#make();
    await this.#store.open();
    for (const gid of GIDS) {
      const transaction = (await this.#memory.find(gid))?.transaction;
      if (!transaction?.owner || isFinal(transaction.status)) continue;
      const released = { ...transaction, owner: undefined, nextCronTime: 0 };
      await this.#memory.update({ status: transaction.status }, released, new Map());
    }
  }

  async #operation(): Promise<Operation> {
    const dice = this.#dice;
    const now = this.#now;
    const gid = dice.of(GIDS);
    const stored = await this.#memory.find(gid);
    const kind = dice.of([
      'create',
      'addBranches',
      'update',
      'update',
      'update',
      'update',
      'claim',
      'wake',
      'prune',
      'list',
      'kv',
    ] as const);
    const title = `${kind} of ${gid}`;
    switch (kind) {
      case 'create': {
        const count = dice.chance(0.2) ? 60 + dice.upTo(80) : dice.upTo(4);
        const branches = Array.from({ length: count }, (_, index) => dice.branch(`${gid} ${index}`));
        const details = { transaction: dice.transaction(gid, now), branches };
        return { title, run: (store) => store.create(details) };
      }
      case 'addBranches': {
        const transType = dice.of(['saga', 'tcc', 'workflow'] as const);
        const id = dice.chance(0.2) ? 'again' : `new ${this.#branches++}`;
        const branches = [dice.branch(id), { ...dice.branch(id), op: 'cancel' as const }];
        return { title, run: (store) => store.addBranches(gid, transType, branches) };
      }
      case 'update': {
        const branches = stored?.branches ?? [];
        const changed = new Map<number, BranchRecord>();
        for (let number = dice.upTo(5); number > 0 && branches.length > 0; number--) {
          const index = dice.upTo(branches.length - 1);
          changed.set(index, dice.progress(branches[index]!));
        }
        const transaction = {
          ...(stored?.transaction ?? transactionOf(gid)),
          ...dice.changes(now),
          status: dice.status(),
        };
        const expected = {
          status: dice.chance(0.9) ? (stored?.transaction.status ?? 'prepared') : dice.status(),
          owner: dice.chance(0.2) ? dice.of(['me', 'you']) : undefined,
        };
        return { title, run: (store) => store.update(expected, transaction, changed) };
      }
      case 'claim':
        return { title, run: async (store) => sorted(await store.claim(now, 'me', () => now + 13, 1000)) };
      case 'wake': {
        const filter = {
          gid: dice.maybe(() => gid),
          target: dice.maybe(() => dice.of(['http://a', 'http://a/', 'http://a/"x"', 'http://b/\\', 'http://none'])),
          laterThan: now,
          limit: 1000,
        };
        return { title: `${title}, ${JSON.stringify(filter)}`, run: (store) => wakeAll(store, now, filter) };
      }
      case 'prune':
        return { title, run: (store) => prunedAll(store, now - 100) };
      case 'list': {
        const filter = {
          gid: dice.maybe(() => gid),
          status: dice.maybe(() => dice.status()),
          attention: dice.maybe(() => true),
          createTimeStart: dice.maybe(() => now - dice.upTo(500)),
          createTimeEnd: dice.maybe(() => now - dice.upTo(500)),
          limit: 1 + dice.upTo(3),
        };
        return { title: `${title}, ${JSON.stringify(filter)}`, run: (store) => listedAll(store, filter) };
      }
      case 'kv': {
        const record: KvRecord = {
          category: dice.of(['a', 'b']),
          key: dice.of(['k', 'K']),
          value: dice.of(['plain', '[{"url":"😀"}]']),
          version: 1 + dice.upTo(2),
          createTime: TIME,
          updateTime: now,
        };
        if (dice.chance(0.2)) return { title, run: (store) => store.deleteKv(record.category, record.key) };
        return {
          title,
          run: async (store) => [await store.putKv(record), await store.getKv(record.category, record.key)],
        };
      }
    }
  }
}

function sorted<T extends { transaction: TransactionRecord }>(details: readonly T[]): readonly T[] {
  return details.toSorted((a, b) => (a.transaction.gid < b.transaction.gid ? -1 : 1));
}

async function prunedAll(store: Store, before: number): Promise<number> {
  let [total, position] = [0, ''];
  do {
    const { count, nextPosition } = await store.prune(before, position, 2);
    total += count;
    position = nextPosition;
  } while (position);
  return total;
}

async function listedAll(store: Store, filter: Parameters<Store['list']>[0]): Promise<TransactionRecord[]> {
  const transactions: TransactionRecord[] = [];
  let position: string | undefined;
  do {
    const page = await store.list({ ...filter, position });
    transactions.push(...page.transactions);
    position = page.nextPosition;
  } while (position);
  return transactions;
}
