import { Client } from 'pg';
import { expect, onTestFinished } from 'vitest';
import { freePorts } from '../../services/free-ports.mjs';
import type { PostgresServer } from '../../services/postgres.mjs';
import { SampleProcess } from './sample-process.js';

const AMOUNT = 30;
const BALANCE = 10_000;

/** How the sample is called in a transfer. */
type Over = 'in-process' | 'http' | 'grpc';

/** Settings of a {@link MovingSample}. */
export interface MovingSampleOptions {
  readonly banks: Banks;
  /** Environment, such as `DTM_SERVER`. */
  readonly env: Readonly<Record<string, string>>;
  /** Ports of HTTP and gRPC. @default free ports */
  readonly ports?: readonly [number, number];
}

/** The sample without its own transfers, on accounts that stay when it ends. */
export class MovingSample {
  readonly #process: SampleProcess;
  readonly #banks: Banks;
  readonly ports: readonly [number, number];

  private constructor(process: SampleProcess, banks: Banks, ports: readonly [number, number]) {
    this.#process = process;
    this.#banks = banks;
    this.ports = ports;
  }

  static async start({ banks, env, ports }: MovingSampleOptions): Promise<MovingSample> {
    const [http, grpc] = ports ?? ((await freePorts(2)) as [number, number]);
    const process = new SampleProcess(['sample/dist/main.js', '--no-demo'], {
      ...env,
      SAMPLE_POSTGRES: banks.url,
      PORT: String(http),
      GRPC_PORT: String(grpc),
    });
    await process.waitForOutput('try: curl');
    return new MovingSample(process, banks, [http, grpc]);
  }

  /** Transfers money; returns whether the transaction has succeeded. */
  async transfer(mode: 'saga' | 'tcc' | 'msg', over: Over, to = 2): Promise<boolean> {
    const answer = await fetch(`http://127.0.0.1:${this.ports[0]}/transfer?mode=${mode}&over=${over}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ from: 1, to, amount: AMOUNT }),
    });
    await answer.arrayBuffer();
    if (answer.status !== 200) {
      // not finished; the Location leads to the status
      expect(answer.status).toBe(202);
      const status = await fetch(new URL(answer.headers.get('location') ?? '', answer.url));
      expect(await status.json()).toMatchObject({ status: expect.stringMatching(/submitted|aborting/) as string });
    }
    if (answer.status === 200) this.#banks.moved += AMOUNT;
    return answer.status === 200;
  }

  /** Leaves unfinished transactions: three that will succeed, and a saga that will be rolled back. */
  async leaveUnfinished(over: Over): Promise<void> {
    await this.#banks.refuseChanges();
    for (const mode of ['saga', 'tcc', 'msg'] as const) {
      expect(await this.transfer(mode, over), mode).toBe(false);
      this.#banks.moved += AMOUNT;
    }
    expect(await this.transfer('saga', over, 404)).toBe(false);
  }

  async kill(): Promise<void> {
    this.#process.child.kill('SIGKILL');
    await this.#process.ended;
  }

  async stop(): Promise<void> {
    expect(await this.#process.stop()).toBe('SIGTERM');
  }
}

/** The accounts of both banks, in a database of their own. */
export class Banks {
  readonly url: string;
  readonly #client: Client;
  /** Money that must have left one bank and arrived in the other. */
  moved = 0;

  private constructor(url: string, client: Client) {
    this.url = url;
    this.#client = client;
  }

  static async create(server: PostgresServer, name: string): Promise<Banks> {
    const admin = new Client(server.url);
    await admin.connect();
    await admin.query(`create database ${name}`);
    await admin.end();
    const url = server.url.replace(/\w+$/, name);
    const client = new Client(url);
    await client.connect();
    onTestFinished(() => client.end());
    return new Banks(url, client);
  }

  /** Lets every change that adds money to an account fail: deposits, and compensations of withdrawals. */
  async refuseChanges(): Promise<void> {
    await this.#client.query(`create or replace function refuse() returns trigger language plpgsql
      as $$ begin raise exception 'this bank is closed'; end $$`);
    for (const schema of ['bank_out', 'bank_in'])
      await this.#client.query(`create trigger closed before update on ${schema}.account for each row
        when (new.balance > old.balance) execute function refuse()`);
  }

  async acceptChanges(): Promise<void> {
    for (const schema of ['bank_out', 'bank_in']) await this.#client.query(`drop trigger closed on ${schema}.account`);
  }

  /** Waits until all transactions have reached their end; checks that each has taken effect once. */
  async waitForEnd(): Promise<void> {
    await expect
      .poll(() => this.#accounts(), { timeout: 90_000, interval: 200 })
      .toEqual([
        { bank: 'out', balance: BALANCE - this.moved, frozen: 0 },
        { bank: 'in', balance: BALANCE + this.moved, frozen: 0 },
      ]);
  }

  async #accounts(): Promise<unknown[]> {
    const { rows } = await this.#client.query(
      `select 'out' as bank, balance::int, frozen::int from bank_out.account
       union all select 'in', balance::int, frozen::int from bank_in.account`,
    );
    return rows;
  }
}
