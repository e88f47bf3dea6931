import type { BranchOfOptions, DtmConnection, DtmService } from 'nestjs-dtm';
import type { Accounts, BarrierAccounts, Money, XaAccounts } from './accounts.js';
import { branchesAt, rpcBranchesAt, subscribersAt } from './branches.js';
import { startBankApp, type BankApp } from './bank-app.js';
import type { Route } from './route.js';
import { CrashingInitiators, type Step } from './crashing-initiators.js';
import type { Row } from './rows.js';
import { FaultInjector } from './fault-injector.js';

/** Options of a matrix. */
export interface MatrixOptions {
  readonly route: Route;
  /** A client of the coordinator. */
  readonly server: () => DtmConnection;
  readonly barrier: BarrierAccounts;
  /** Undefined without databases that support XA. */
  readonly xa: XaAccounts | undefined;
  /** Seconds between two attempts, where the initiator does not crash. @default 1 */
  readonly retryIntervalSeconds?: number;
  /** Waits until a transaction has ended. */
  readonly waitForEnd: (dtm: DtmService, gid: string) => Promise<unknown>;
}

/** Result of a row. */
export interface Result {
  readonly error: unknown;
  readonly steps: readonly Step[];
  readonly status: string | undefined;
  readonly money: Money;
}

/** Time after which the coordinator acts on the transaction of a crashed initiator. */
const TIMEOUT_SECONDS = 6;

let topics = 0;

function targetOf(at: BankApp['at'], { over }: Route): BranchOfOptions {
  return over === 'in-process' ? { over } : { at: at[over] };
}

/** Two applications, an initiator that can crash and participants with injected faults, and their accounts. */
export class Matrix {
  readonly #options: MatrixOptions;
  readonly #initiators = new CrashingInitiators();
  readonly #faults = new FaultInjector();
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

  /** Runs the transaction of a row. */
  async run(row: Row): Promise<Result> {
    const { route, barrier, waitForEnd, retryIntervalSeconds = 1 } = this.#options;
    const accounts: Accounts = row.mode.accounts === 'xa' ? this.#options.xa! : barrier;
    const { dtm } = this.#initiator;
    const { at, dtm: observer } = this.#participants;
    const [gid, transfer] = await Promise.all([dtm.newGid(), accounts.open()]);
    this.#faults.plan(gid, row.faults);
    this.#initiators.begin(gid, row.crashesAfter);
    const initiator = {
      dtm,
      branches: route.isRpc ? rpcBranchesAt(at.http) : branchesAt(targetOf(at, route)),
      bank: barrier.bank,
      faults: this.#faults,
      topic: this.#topic,
    };
    const crashes = row.crashesAfter !== undefined;
    const options = {
      gid,
      requestTimeoutSeconds: 20,
      ...(route.over === 'grpc' && { protocol: 'grpc' as const }),
      // Go dtm checks a transaction after this interval; one that has not timed out by then waits another ten seconds
      retryIntervalSeconds: crashes ? TIMEOUT_SECONDS : retryIntervalSeconds,
      ...(crashes && { timeoutToFailSeconds: TIMEOUT_SECONDS }),
    };
    const run = this.#initiators.run(() => row.mode.run(initiator, transfer, options));
    const error: unknown = await run.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (row.status !== undefined) await waitForEnd(observer, gid);
    return {
      error,
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
    const { route, server, barrier, xa } = this.#options;
    const environment = { bank: barrier.bank, xa, faults: this.#faults, over: route.over };
    this.#participants = await startBankApp(server(), environment, 'hybrid');
    // with gRPC only, the coordinator must send the query-back of messages over gRPC
    const kind = route.over === 'grpc' ? 'gRPC only' : 'hybrid';
    this.#initiator = await startBankApp(this.#initiators.around(server()), environment, kind);
    const { dtm, at } = this.#participants;
    for (const url of subscribersAt(at, route)) await dtm.topics.subscribe(this.#topic, url);
  }

  /** Whether the coordinator has loaded the subscriptions. */
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
