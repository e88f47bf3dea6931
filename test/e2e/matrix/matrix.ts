import type { DtmConnection, DtmService } from 'nestjs-dtm';
import type { Accounts, BarrierAccounts, Money, XaAccounts } from './accounts.js';
import { branchesAt, rpcBranchesAt, subscribersAt } from './branches.js';
import { startBankApp, type BankApp } from './bank-app.js';
import type { Lane } from './lane.js';
import { MortalInitiators, type Step } from './mortal-initiator.js';
import type { Row } from './rows.js';
import { Troubles } from './troubles.js';

/** What a matrix runs on. */
export interface MatrixOptions {
  readonly lane: Lane;
  /** A client of the coordinator. */
  readonly server: () => DtmConnection;
  readonly barrier: BarrierAccounts;
  /** Undefined where no database is there that can do XA. */
  readonly xa: XaAccounts | undefined;
  /** Waits until a transaction has ended. */
  readonly settle: (dtm: DtmService, gid: string) => Promise<unknown>;
}

/** What came of a row. */
export interface Result {
  readonly told: unknown;
  readonly steps: readonly Step[];
  readonly status: string | undefined;
  readonly money: Money;
}

/** After which the coordinator looks what became of an initiator. */
const TIMEOUT_SECONDS = 6;

let topics = 0;

/** Two applications, an initiator that can die and participants that can have troubles, and their accounts. */
export class Matrix {
  readonly #options: MatrixOptions;
  readonly #initiators = new MortalInitiators();
  readonly #troubles = new Troubles();
  readonly #topic = `transfers-${(topics += 1)}`;
  #participants!: BankApp;
  #initiator!: BankApp;

  private constructor(options: MatrixOptions) {
    this.#options = options;
  }

  static async start(options: MatrixOptions): Promise<Matrix> {
    const matrix = new Matrix(options);
    await matrix.#start();
    return matrix;
  }

  /** Plays a row. */
  async play(row: Row): Promise<Result> {
    const { lane, barrier, settle } = this.#options;
    const accounts: Accounts = row.mode.accounts === 'xa' ? this.#options.xa! : barrier;
    const { dtm } = this.#initiator;
    const { at, dtm: observer } = this.#participants;
    const [gid, transfer] = await Promise.all([dtm.newGid(), accounts.open()]);
    this.#troubles.plan(gid, row.troubles);
    this.#initiators.begin(gid, row.diesAfter);
    const initiator = {
      dtm,
      branches: lane.isRpc ? rpcBranchesAt(at.http) : branchesAt(at[lane.over]),
      bank: barrier.bank,
      troubles: this.#troubles,
      topic: this.#topic,
    };
    const isMortal = row.diesAfter !== undefined;
    const options = {
      gid,
      requestTimeoutSeconds: 20,
      ...(lane.over === 'grpc' && { protocol: 'grpc' as const }),
      // Go dtm looks at the interval; who it finds too young then, it leaves alone for ten seconds
      retryIntervalSeconds: isMortal ? TIMEOUT_SECONDS : 1,
      ...(isMortal && { timeoutToFailSeconds: TIMEOUT_SECONDS }),
    };
    const told: unknown = await row.mode.run(initiator, transfer, options).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (row.end !== undefined) await settle(observer, gid);
    return {
      told,
      steps: this.#initiators.stepsOf(gid),
      status: (await observer.query(gid))?.transaction.status,
      money: await accounts.moneyOf(transfer, gid),
    };
  }

  async close(): Promise<void> {
    await this.#initiator?.close();
    await this.#participants?.close();
  }

  async #start(): Promise<void> {
    const { lane, server, barrier, xa } = this.#options;
    const environment = { bank: barrier.bank, xa, troubles: this.#troubles, over: lane.over };
    this.#participants = await startBankApp(server(), environment, 'hybrid');
    // so that the coordinator also has to ask over gRPC what became of messages
    const kind = lane.over === 'grpc' ? 'gRPC only' : 'hybrid';
    this.#initiator = await startBankApp(this.#initiators.around(server()), environment, kind);
    const { dtm, at } = this.#participants;
    for (const url of subscribersAt(at, lane)) await dtm.topics.subscribe(this.#topic, url);
  }

  /** Whether the coordinator knows by now who has subscribed. */
  async knowsSubscribers(): Promise<boolean> {
    const { dtm } = this.#participants;
    const message = dtm.msg({ gid: await dtm.newGid() }).addTopic(this.#topic);
    try {
      await dtm.api.abort({ gid: await message.prepare('http://127.0.0.1:1/'), transType: 'msg' });
      return true;
    } catch {
      return false;
    }
  }
}
