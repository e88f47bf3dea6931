import { ConsoleLogger, Controller, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { BranchPayload, DtmFailureError, DtmModule, DtmService, SagaBranch, TccAction, branchOf } from 'nestjs-dtm';
import { embeddedServer, memoryStore, sqliteStore, type EmbeddedServerOptions } from 'nestjs-dtm/server';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { RecordingLogger } from '../../support/recording-logger.js';
import { tempFolder } from '../../support/temp-folder.js';
import { closeApps, startApp, type App } from './app.js';

@Controller('bank')
class BankController {
  @SagaBranch({ compensate: 'undoOut' })
  out(@BranchPayload() amount: number): void {
    if (amount === 13) throw new DtmFailureError('13 brings bad luck');
  }
  undoOut(): void {}

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  freeze(@BranchPayload() _amount: number): void {}
  confirm(): void {
    throw new DtmFailureError('the account is closed');
  }
  cancel(): void {}
}

const start = (options: EmbeddedServerOptions = {}): Promise<App> =>
  startApp({
    controllers: [BankController],
    dtm: { server: embeddedServer({ store: memoryStore(), ...options }) },
  });

const refuse = (app: App): Promise<string> =>
  app.app.get(DtmService).saga({ gid: 'bad' }).add(branchOf(BankController, 'out'), 13).submit({ waitResult: true });

afterEach(closeApps);

describe('the embedded coordinator logs with the logger of the application', () => {
  test('one line at start', async () => {
    const { logs } = await start();
    expect(logs.of('DtmCoordinator')).toEqual([
      "log DtmCoordinator: the coordinator has started; unfinished transactions that it takes up: 0 { store: 'memory (nothing survives the process)' }",
    ]);
  });

  test('what it takes up after a restart', async () => {
    const path = join(tempFolder(), 'dtm.db');
    const before = embeddedServer({ store: sqliteStore({ path }) });
    await before.open();
    await before.prepare({ gid: 'waiting', transType: 'tcc', timeoutToFailSeconds: 1000 });
    await before.close();

    const { logs } = await start({ store: sqliteStore({ path }) });
    expect(logs.of('DtmCoordinator')).toEqual([
      `log DtmCoordinator: the coordinator has started; unfinished transactions that it takes up: 1 { store: 'sqlite ${path}', prepared: 1, submitted: 0, aborting: 0 }`,
    ]);
  });

  test('rollbacks, with gid, branch and reason', async () => {
    const app = await start();
    await expect(refuse(app)).rejects.toThrow('13 brings bad luck');
    expect(app.logs.of('DtmCoordinator')).toContain(
      "log DtmCoordinator: transaction was rolled back { gid: 'bad', transType: 'saga', branchId: '01', op: 'action', reason: '13 brings bad luck' }",
    );
  });

  test('transactions that need attention', async () => {
    const { app, logs } = await start({ attentionAfterFailures: 1 });
    await app.get(DtmService).tcc((tcc) => tcc.call(branchOf(BankController, 'freeze'), 1), { gid: 'stuck' });
    await expect
      .poll(() => logs.of('DtmCoordinator').join('\n'))
      .toMatch(
        /error DtmCoordinator: transaction needs attention { gid: 'stuck', transType: 'tcc', branchId: '01', op: 'confirm',/,
      );
  });

  test('unless it has a logger of its own', async () => {
    const logger = new RecordingLogger();
    const app = await start({ logger });
    await expect(refuse(app)).rejects.toThrow();
    expect(app.logs.of('DtmCoordinator')).toEqual([]);
    expect(logger.of('info')).toEqual([
      'the coordinator has started; unfinished transactions that it takes up: 0',
      'transaction was rolled back',
    ]);
  });
});

describe('with ConsoleLogger, the log of the coordinator', () => {
  /** What an application wrote to stdout and stderr about a rollback. */
  async function linesOf(logger: ConsoleLogger): Promise<string[]> {
    const written: string[] = [];
    for (const stream of [process.stdout, process.stderr]) {
      const spy = vi.spyOn(stream, 'write').mockImplementation((text) => {
        written.push(...String(text).trimEnd().split('\n'));
        return true;
      });
      onTestFinished(() => spy.mockRestore());
    }
    const server = embeddedServer({ store: memoryStore() });
    @Module({ imports: [DtmModule.forRoot({ server })], controllers: [BankController] })
    class AppModule {}
    const app = await NestFactory.createApplicationContext(AppModule, { logger });
    await expect(refuse({ app } as unknown as App)).rejects.toThrow();
    await app.close();
    Logger.overrideLogger(false);
    return written.filter((line) => line.includes('DtmCoordinator'));
  }

  test('is one line of JSON for each entry, with its fields', async () => {
    const lines = await linesOf(new ConsoleLogger({ json: true }));
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({ level: 'log', context: 'DtmCoordinator' }),
      {
        level: 'log',
        pid: process.pid,
        timestamp: expect.any(Number),
        context: 'DtmCoordinator',
        message: {
          message: 'transaction was rolled back',
          gid: 'bad',
          transType: 'saga',
          branchId: '01',
          op: 'action',
          reason: '13 brings bad luck',
        },
      },
    ]);
  });

  test('is one line of text for each entry, whatever a branch answered', async () => {
    const lines = await linesOf(new ConsoleLogger({ colors: false }));
    expect(lines[1]).toMatch(
      /LOG \[DtmCoordinator\] transaction was rolled back { gid: 'bad', transType: 'saga', branchId: '01', op: 'action', reason: '13 brings bad luck' }$/,
    );
    expect(lines).toHaveLength(2);
  });
});

describe('a coordinator in another process', () => {
  /** A server that answers every request alike. */
  async function answering(status: number, body: string): Promise<string> {
    const server: Server = createServer((_request, response) => void response.writeHead(status).end(body));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** What the module warned about until a later warning of its own. */
  async function warningOf(server: string): Promise<string> {
    const { app, logs } = await startApp({ dtm: { server } });
    expect(app.get(DtmService)).toBeInstanceOf(DtmService);
    await expect.poll(() => logs.of('DtmModule').length).toBe(1);
    return logs.of('DtmModule')[0]!;
  }

  test.each([
    ['http://127.0.0.1:1', 'http://127.0.0.1:1/api/dtmsvr'],
    ['http://127.0.0.1:1/api/json-rpc', 'http://127.0.0.1:1/api/dtmsvr'],
    ['127.0.0.1:1', '127.0.0.1:1'],
  ])('that does not answer is a warning, and the application starts: %s', async (server, address) => {
    const warning = await warningOf(server);
    expect(warning).toContain(`warn DtmModule: the coordinator at ${address} does not answer: `);
    expect(warning).toContain('ECONNREFUSED');
    expect(warning).toContain('correct the option server of DtmModule');
  });

  test('that is something else is a warning', async () => {
    expect(await warningOf(await answering(404, 'no such page'))).toContain('404');
  });

  test('that answers is no warning', async () => {
    const server = embeddedServer({ store: memoryStore(), listen: { port: 0, grpcPort: 0 } });
    await server.open();
    onTestFinished(() => server.close());
    for (const url of [server.address!, server.grpcAddress!]) {
      const { app, logs } = await startApp({ dtm: { server: url } });
      await app.get(DtmService).api.version();
      expect(logs.of('DtmModule')).toEqual([]);
    }
  });
});
