import { ConsoleLogger, Controller, Get, Injectable, Logger, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { ClsModule, ClsService, ClsServiceManager, type ClsStore } from 'nestjs-cls';
import { BranchPayload, DtmModule, DtmService, SagaBranch, TccAction, branchOf, type BranchRoute } from 'nestjs-dtm';
import { setBranch, type BranchClsStore } from 'nestjs-dtm/cls';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { freePorts } from '../../services/free-ports.mjs';

interface BankStore extends ClsStore, BranchClsStore {}

/** A service of the application that logs, and knows nothing of dtm. */
@Injectable()
class Ledger {
  readonly lines: unknown[] = [];
  constructor(private readonly cls: ClsService<BankStore>) {}

  async book(what: string): Promise<void> {
    await Promise.resolve();
    this.lines.push([what, this.cls.get('branch')]);
  }
}

@Controller('bank')
class BankController {
  constructor(private readonly ledger: Ledger) {}

  @SagaBranch({ compensate: 'undoOut' })
  async out(@BranchPayload() amount: number): Promise<void> {
    await this.ledger.book(`out ${amount}`);
  }
  undoOut(): void {}

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  async freeze(): Promise<void> {
    await this.ledger.book('freeze');
  }
  async confirm(): Promise<void> {
    await this.ledger.book('confirm');
  }
  cancel(): void {}

  @Get('balance')
  async balance(): Promise<void> {
    await this.ledger.book('balance');
  }
}

describe.each(['guard', 'interceptor'] as const)('setBranch in the %s of nestjs-cls', (enhancer) => {
  let app: INestApplication;

  async function start(over: BranchRoute): Promise<{ dtm: DtmService; ledger: Ledger; url: string }> {
    const [port = 0] = await freePorts(1);
    @Module({
      imports: [
        DtmModule.forRoot({
          server: embeddedServer({ store: memoryStore() }),
          endpoint: { over, grpc: `127.0.0.1:${port}` },
        }),
        ClsModule.forRoot({ global: true, [enhancer]: { mount: true, setup: setBranch } }),
      ],
      controllers: [BankController],
      providers: [Ledger],
    })
    class AppModule {}
    app = await NestFactory.create(AppModule, { logger: false });
    app.connectMicroservice<MicroserviceOptions>(dtmGrpcOptions([BankController], { url: `127.0.0.1:${port}` }), {
      inheritAppConfig: true,
    });
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    const { port: http } = app.getHttpServer().address() as AddressInfo;
    return { dtm: app.get(DtmService), ledger: app.get(Ledger), url: `http://127.0.0.1:${http}` };
  }

  afterEach(() => app.close());

  test.each(['in-process', 'http', 'grpc'] as const)('tells the branch to what it calls, %s', async (over) => {
    const { dtm, ledger } = await start(over);
    await dtm.saga({ gid: 's' }).add(branchOf(BankController, 'out'), 30).submit({ waitResult: true });
    await dtm.tcc((tcc) => tcc.call(branchOf(BankController, 'freeze')), { gid: 't', waitResult: true });
    expect(ledger.lines).toEqual([
      ['out 30', { gid: 's', transType: 'saga', branchId: '01', op: 'action' }],
      ['freeze', { gid: 't', transType: 'tcc', branchId: '01', op: 'try' }],
      ['confirm', { gid: 't', transType: 'tcc', branchId: '01', op: 'confirm' }],
    ]);
  });

  test('tells nothing in other calls, also with the parameters of dtm', async () => {
    const { ledger, url } = await start('http');
    await fetch(`${url}/bank/balance?gid=g&trans_type=saga&branch_id=01&op=action`);
    await fetch(`${url}/bank/balance`);
    expect(ledger.lines).toEqual([
      ['balance', undefined],
      ['balance', undefined],
    ]);
  });

  test('leaves calls with broken parameters to the branch, which refuses them', async () => {
    const { ledger, url } = await start('http');
    const { status } = await fetch(`${url}/bank/out?gid=g&trans_type=lottery&branch_id=01&op=action`);
    expect([status, ledger.lines]).toEqual([400, []]);
  });
});

/** The logger of docs/logs.md. */
class BankLogger extends ConsoleLogger {
  protected override formatContext(context: string): string {
    const branch = ClsServiceManager.getClsService().get('branch');
    return super.formatContext(branch ? `${context} ${branch.gid} ${branch.branchId} ${branch.op}` : context);
  }
}

@Controller('shop')
class ShopController {
  readonly #logger = new Logger('Shop');

  @SagaBranch({ compensate: false })
  order(): void {
    this.#logger.log('ordered');
  }
}

test('a logger of the application shows gid and branch in its lines', async () => {
  let written = '';
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written += String(text);
    return true;
  });
  onTestFinished(() => spy.mockRestore());
  @Module({
    imports: [
      DtmModule.forRoot({ server: embeddedServer({ store: memoryStore() }) }),
      ClsModule.forRoot({ global: true, guard: { mount: true, setup: setBranch } }),
    ],
    controllers: [ShopController],
  })
  class ShopModule {}
  const app = await NestFactory.createApplicationContext(ShopModule, { logger: new BankLogger({ colors: false }) });
  await app.get(DtmService).saga({ gid: 'g' }).add(branchOf(ShopController, 'order')).submit({ waitResult: true });
  await app.close();
  Logger.overrideLogger(false);
  expect(written).toMatch(/ LOG \[Shop g 01 action\] ordered$/m);
  expect(written).toContain('[DtmCoordinator]');
});
