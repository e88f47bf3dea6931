import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import {
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type INestApplicationContext,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { APP_INTERCEPTOR, NestFactory } from '@nestjs/core';
import { DtmFailureError, DtmService, branchOf, type DtmModuleOptions } from 'nestjs-dtm';
import { pgBarrier } from 'nestjs-dtm/barrier/pg';
import { embeddedServer, sqliteStore, type EmbeddedServer } from 'nestjs-dtm/server';
import { mergeMap, throwError, type Observable } from 'rxjs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startDtm } from '../../services/dtm.mjs';
import { freePorts } from '../../services/free-ports.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { tempFolder } from '../../support/temp-folder.js';
import { InController, OutController, bankModule, type Transfer } from '../bank/bank-app.js';
import { Bank, type Queryable } from '../bank/bank.js';
import { ServeProcess } from '../cli/serve-process.js';

/** What differs between the arrangements of the bank. */
type Differences = Pick<DtmModuleOptions, 'server' | 'endpoint'>;

/** Creates the module of the bank, which is the same in all arrangements. */
type CreateModule = (differences: Differences) => Type;

interface Arrangement {
  readonly title: string;
  readonly start: (createModule: CreateModule) => Promise<INestApplicationContext>;
}

const TRANSFER: Transfer = { from: 1, to: 2, amount: 30, refuse: false };

const go = requireOrSkip('dtm');

const ARRANGEMENTS: readonly Arrangement[] = [
  {
    title: 'as one process without a port',
    async start(createModule) {
      const app = await NestFactory.createApplicationContext(createModule({ server: embedded() }), { logger: false });
      onTestFinished(() => app.close());
      return app;
    },
  },
  {
    title: 'as one process with a port',
    start: (createModule) => listen(createModule, embedded()),
  },
  {
    title: 'as two processes',
    start: async (createModule) => listen(createModule, new URL((await ServeProcess.start()).base).origin),
  },
];

const ON_REAL_DTM: Arrangement = {
  title: 'on the real dtm',
  async start(createModule) {
    const server = await startDtm({ env: { TRANS_CRON_INTERVAL: '1', LOG_LEVEL: 'error' } });
    onTestFinished(() => server.stop());
    return listen(createModule, server.url);
  },
};

function embedded(): EmbeddedServer {
  return embeddedServer({ store: sqliteStore({ path: join(tempFolder(), 'dtm.db') }) });
}

/** Starts the bank on a free port. */
async function listen(createModule: CreateModule, server: Differences['server']): Promise<INestApplicationContext> {
  const [port] = await freePorts(1);
  const module = createModule({ server, endpoint: { http: `http://127.0.0.1:${port}` } });
  // Go opens connections that it never uses; Node would wait a minute for them at close
  const app = await NestFactory.create(module, { logger: false, forceCloseConnections: true });
  onTestFinished(() => app.close());
  await app.listen(port!, '127.0.0.1');
  return app;
}

/** Loses the first answer of an action of chosen transactions, after the action has taken effect. */
@Injectable()
class LosesAnswers implements NestInterceptor {
  readonly #gids = new Set<string>();

  choose(gid: string): void {
    this.#gids.add(gid);
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { query } = context.switchToHttp().getRequest<{ query: { gid: string; op: string } }>();
    return next.handle().pipe(
      mergeMap((result: unknown) => {
        if (query.op === 'action' && this.#gids.delete(query.gid)) return throwError(() => new Error('answer lost'));
        return [result];
      }),
    );
  }
}

const databases = [new PGlite(), new PGlite()] as const;
const [bankOut, bankIn] = databases.map(
  (database) => new Bank(database as Queryable, pgBarrier(database) as unknown as Bank['adapter']),
) as [Bank, Bank];

beforeAll(async () => {
  await bankOut.open([TRANSFER.from], 1000);
  await bankIn.open([TRANSFER.to], 1000);
});
afterAll(() => Promise.all(databases.map((database) => database.close())));

/** Runs transfers in every mode but XA, with a lost answer and with refusals. */
async function useBank({ title, start }: Arrangement): Promise<void> {
  const before = [await bankOut.total(), await bankIn.total()];
  const losesAnswers = new LosesAnswers();
  const app = await start(({ server, endpoint }) =>
    bankModule(
      { name: 'bank', server, endpoint, databases: { default: { barrier: bankOut.adapter } } },
      [bankOut, bankIn],
      [{ provide: APP_INTERCEPTOR, useValue: losesAnswers }],
    ),
  );
  const dtm = app.get(DtmService);
  const optionsOf = (name: string) => ({ gid: `${name} ${title}`, retryIntervalSeconds: 1 });
  const saga = async (name: string, transfer: Transfer): Promise<void> => {
    const steps = dtm
      .saga(optionsOf(name))
      .add(branchOf(OutController, 'out'), transfer)
      .add(branchOf(InController, 'in'), transfer);
    await dtm.waitFor(await steps.submit(), { timeoutSeconds: 30 });
  };
  const tcc = (name: string, transfer: Transfer): Promise<void> =>
    dtm.tcc(async (started) => {
      await started.call(branchOf(OutController, 'freeze'), transfer);
      await started.call(branchOf(InController, 'prepare'), transfer);
    }, optionsOf(name));
  const end = (name: string): Promise<void> => dtm.waitFor(optionsOf(name).gid, { timeoutSeconds: 30 });
  /** Operations and amounts of a transaction at a bank, in order. */
  const effects = async (bank: Bank, name: string): Promise<string[]> =>
    (await bank.ledger()).filter(({ gid }) => gid === optionsOf(name).gid).map(({ op, amount }) => `${op} ${amount}`);

  // the coordinator repeats the action, and the barrier skips the repetition
  losesAnswers.choose(optionsOf('saga').gid);
  await saga('saga', TRANSFER);
  expect(await effects(bankOut, 'saga')).toEqual(['action -30']);
  expect(await effects(bankIn, 'saga')).toEqual(['action 30']);

  // the barrier skips the compensation of the action that was rolled back
  await expect(saga('refused saga', { ...TRANSFER, refuse: true })).rejects.toThrow(DtmFailureError);
  expect(await effects(bankOut, 'refused saga')).toEqual(['action -30', 'compensate 30']);
  expect(await effects(bankIn, 'refused saga')).toEqual([]);

  await tcc('tcc', TRANSFER);
  await end('tcc');
  expect(await effects(bankOut, 'tcc')).toEqual(['try 0', 'confirm -30']);
  await expect(tcc('refused tcc', { ...TRANSFER, refuse: true })).rejects.toThrow('refused on purpose');
  await expect(end('refused tcc')).rejects.toThrow(DtmFailureError);
  expect(await effects(bankOut, 'refused tcc')).toEqual(['try 0', 'cancel 0']);

  const message = dtm.msg(optionsOf('msg')).add(branchOf(InController, 'receive'), TRANSFER);
  const context = { gid: optionsOf('msg').gid, transType: 'msg', branchId: '00', op: 'msg' } as const;
  await message.doAndSubmit(bankOut.adapter, (tx) => bankOut.change(tx, context, TRANSFER.from, -TRANSFER.amount));
  await end('msg');
  expect(await effects(bankIn, 'msg')).toEqual(['action 30']);

  const [out, into] = before.map(({ balance }) => balance) as [number, number];
  expect(await bankOut.total()).toEqual({ balance: out - 90, frozen: 0 });
  expect(await bankIn.total()).toEqual({ balance: into + 90, frozen: 0 });
}

describe('the same bank, unchanged but for server and endpoint, runs', () => {
  test.each(ARRANGEMENTS)('$title', useBank);

  test.skipIf(!go.available)(go.title(ON_REAL_DTM.title), () => useBank(ON_REAL_DTM));
});
