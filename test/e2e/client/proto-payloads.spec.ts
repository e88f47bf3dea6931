import { loadSync } from '@grpc/proto-loader';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Saga,
  branchTransport,
  dtmGrpcClient,
  protoPayloads,
  runTcc,
  type InitiatorDependencies,
} from 'nestjs-dtm/client';
import { DtmArgumentError } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { GrpcParticipant } from '../../support/grpc-participant.js';
import { Participant } from '../../support/participant.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { tempFolder } from '../../support/temp-folder.js';

// what hangs fails soon
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const BANK = `
syntax = "proto3";
package bank;
import "google/protobuf/empty.proto";
service Bank {
  rpc TransOut (Transfer) returns (google.protobuf.Empty);
  rpc Freeze (Transfer) returns (Frozen);
  rpc Confirm (Transfer) returns (google.protobuf.Empty);
}
message Transfer { int32 user_id = 1; int64 amount = 2; }
message Frozen { int64 left = 1; }
`;

/** A message of the file, the way a participant handles it. */
interface MessageType {
  serialize(value: object): Buffer;
  deserialize(bytes: Buffer): object;
}

describe('transactions with payloads by .proto files', () => {
  let bank: GrpcParticipant;
  let dependencies: InitiatorDependencies;
  let types: Record<string, MessageType>;

  beforeEach(async () => {
    const protoPath = join(tempFolder(), 'bank.proto');
    writeFileSync(protoPath, BANK);
    types = loadSync(protoPath, { longs: Number }) as unknown as Record<string, MessageType>;
    bank = await GrpcParticipant.start();
    for (const method of ['TransOut', 'Confirm', 'Cancel']) bank.answer(`bank.Bank/${method}`, {});

    const listen = { port: 0, grpcPort: 0 };
    const dtm = embeddedServer({ store: memoryStore(), logger: new RecordingLogger(), listen });
    onTestFinished(() => dtm.close());
    await dtm.open();
    dtm.recover();
    const api = dtmGrpcClient(dtm.grpcAddress!);
    onTestFinished(() => api.close());
    const transport = branchTransport();
    onTestFinished(() => transport.close());
    dependencies = { api, transport, payloads: protoPayloads({ protoPath }) };
  });

  it('send messages to branches over gRPC, and JSON to those over HTTP', async () => {
    const other = await Participant.start();
    await new Saga(dependencies, { waitResult: true })
      .add({ action: bank.url('bank.Bank/TransOut') }, { userId: 1, amount: 30 })
      .add({ action: other.url('/in') }, { userId: 2, amount: 30 })
      .submit();
    expect(types['bank.Transfer']!.deserialize(bank.calls[0]!.message)).toEqual({ userId: 1, amount: 30 });
    expect(other.requests[0]!.body).toBe('{"userId":2,"amount":30}');
  });

  it('return the answer of a try', async () => {
    bank.answer('bank.Bank/Freeze', { message: types['bank.Frozen']!.serialize({ left: 70 }) });
    const urls = {
      try: bank.url('bank.Bank/Freeze'),
      confirm: bank.url('bank.Bank/Confirm'),
      cancel: bank.url('bank.Bank/Cancel'),
    };
    const answer = await runTcc(dependencies, (tcc) => tcc.call(urls, { userId: 1, amount: 30n }), {
      waitResult: true,
    });
    expect(answer).toEqual({ left: '70' });
    expect(bank.lines).toEqual(['/bank.Bank/Freeze 01 try', '/bank.Bank/Confirm 01 confirm']);
    expect(bank.calls[1]!.message.equals(bank.calls[0]!.message)).toBe(true);
  });

  it('send nothing when a payload is wrong', async () => {
    const saga = new Saga(dependencies);
    expect(() => saga.add({ action: bank.url('bank.Bank/TransOut') }, { userId: '1' })).toThrow(DtmArgumentError);
    expect(() => saga.add({ action: bank.url('bank.Bank/TransUot') }, { userId: 1 })).toThrow(DtmArgumentError);
    expect(bank.calls).toHaveLength(0);
  });
});
