import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientGrpcProxy, type MicroserviceOptions } from '@nestjs/microservices';
import { BranchPayload, DtmFailureError, DtmModule, DtmService, SagaBranch, branchOf } from 'nestjs-dtm';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { firstValueFrom, type Observable } from 'rxjs';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { startEtcd, type EtcdServer } from '../../services/etcd.mjs';
import { freePorts } from '../../services/free-ports.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { tempFolder } from '../../support/temp-folder.js';
import { waitUntil } from '../../support/wait-until.js';
import { keysInEtcd } from './keys-in-etcd.js';

const PROTO = `
  syntax = "proto3";
  package dtmgimp;
  import "google/protobuf/empty.proto";
  service Dtm { rpc NewGid (google.protobuf.Empty) returns (DtmGidReply); }
  message DtmGidReply { string Gid = 1; }
`;

const calls: string[] = [];

@Controller('bank')
class BankController {
  @SagaBranch({ compensate: 'undoTransOut' })
  transOut(@BranchPayload() { amount }: { readonly amount: number }) {
    calls.push(`out ${amount}`);
  }

  undoTransOut(@BranchPayload() { amount }: { readonly amount: number }) {
    calls.push(`undo ${amount}`);
  }

  @SagaBranch({ compensate: false })
  transIn(@BranchPayload() { amount }: { readonly amount: number }) {
    if (amount > 100) throw new DtmFailureError('too much');
    calls.push(`in ${amount}`);
  }
}

const services = requireOrSkip('etcd');

/* Three processes of a go-zero house in one: a coordinator, a bank, and an initiator that knows them by name only. */
describe.skipIf(!services.available)(services.title('Nest applications among services of go-zero'), () => {
  const driver = 'dtm-driver-gozero';
  let etcd: EtcdServer;
  let ofBank: DtmService;
  let ofInitiator: DtmService;
  const url = (service: string): string => `etcd://${etcd.host}:${etcd.port}/${service}`;

  beforeAll(async () => {
    etcd = await startEtcd();
    const [dtmPort, bankPort] = (await freePorts(2)) as [number, number];
    const coordinator = embeddedServer({
      store: memoryStore(),
      driver,
      listen: { port: 0, grpcPort: dtmPort },
      register: { target: url('dtmservice'), endpoint: `127.0.0.1:${dtmPort}` },
    });
    await coordinator.open();
    coordinator.recover();

    const server = url('dtmservice');
    const address = `127.0.0.1:${bankPort}`;
    const register = { target: url('bank'), endpoint: address };
    @Module({
      imports: [DtmModule.forRoot({ driver, server, register, endpoint: { grpc: url('bank') } })],
      controllers: [BankController],
    })
    class BankModule {}
    const options = dtmGrpcOptions([BankController], { url: address });
    const bank = await NestFactory.createMicroservice<MicroserviceOptions>(BankModule, { ...options, logger: false });
    await bank.listen();

    @Module({ imports: [DtmModule.forRoot({ driver, server })] })
    class InitiatorModule {}
    const initiator = await NestFactory.createApplicationContext(InitiatorModule, { logger: false });
    ofBank = bank.get(DtmService);
    ofInitiator = initiator.get(DtmService);
    await waitUntil(async () => (await keysInEtcd(etcd, 'bank/')).length === 1);
    return async () => {
      await initiator.close();
      await bank.close();
      expect(await keysInEtcd(etcd, 'bank/')).toEqual([]);
      await coordinator.close();
      expect(await keysInEtcd(etcd, 'dtmservice/')).toEqual([]);
      await etcd.stop();
    };
  });
  beforeEach(() => void (calls.length = 0));

  it('a saga of an initiator reaches the coordinator and the bank by their names', async () => {
    const branch = (method: string): string => `${url('bank')}/nestjsdtm.Bank/${method}`;
    await ofInitiator
      .saga()
      .add({ action: branch('TransOut'), compensate: branch('UndoTransOut') }, { amount: 30 })
      .add({ action: branch('TransIn') }, { amount: 30 })
      .submit({ waitResult: true });
    expect(calls).toEqual(['out 30', 'in 30']);
  });

  it('a saga of the bank itself has its name in the URLs, and is rolled back after a refusal', async () => {
    const saga = ofBank
      .saga({ gid: 'of-the-bank' })
      .add(branchOf(BankController, 'transOut'), { amount: 777 })
      .add(branchOf(BankController, 'transIn'), { amount: 777 });
    await expect(saga.submit({ waitResult: true })).rejects.toThrow(DtmFailureError);
    expect(calls).toEqual(['out 777', 'undo 777']);
    const details = await ofBank.query('of-the-bank');
    expect(details?.branches.map(({ url: branch }) => branch)).toContain(`${url('bank')}/nestjsdtm.Bank/TransIn`);
  });

  it("Nest's own ClientGrpc finds both", async () => {
    const protoPath = join(tempFolder(), 'dtm.proto');
    writeFileSync(protoPath, PROTO);
    const client = new ClientGrpcProxy({
      url: url('dtmservice'),
      package: 'dtmgimp',
      protoPath,
      channelOptions: { 'grpc.enable_http_proxy': 0 },
    });
    onTestFinished(() => void client.close());
    const service = client.getService<{ newGid(message: object): Observable<{ Gid: string }> }>('Dtm');
    expect((await firstValueFrom(service.newGid({}))).Gid).toMatch(/\S/);
  });
});
