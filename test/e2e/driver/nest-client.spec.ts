import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClientGrpcProxy } from '@nestjs/microservices';
import { firstValueFrom, type Observable } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { protocol1Driver } from '../../../lib/driver/index.js';
import { GrpcParticipant, REPLIES } from '../../support/grpc-participant.js';
import { tempFolder } from '../../support/temp-folder.js';

const PROTO = `
  syntax = "proto3";
  package bank;
  service Bank { rpc In (Empty) returns (Empty); }
  message Empty {}
`;

describe("Nest's own ClientGrpc", () => {
  it.each(['protocol1:///', 'protocol1://'])('understands the URLs of a driver: %s', async (prefix) => {
    await protocol1Driver().registerGrpcResolver();
    const bank = await GrpcParticipant.start();
    bank.answer('bank.Bank/In', REPLIES.success);
    const protoPath = join(tempFolder(), 'bank.proto');
    writeFileSync(protoPath, PROTO);
    const client = new ClientGrpcProxy({
      url: prefix + bank.address,
      package: 'bank',
      protoPath,
      channelOptions: { 'grpc.enable_http_proxy': 0 },
    });
    onTestFinished(() => void client.close());
    const service = client.getService<{ in(message: object): Observable<object> }>('Bank');
    expect(await firstValueFrom(service.in({}))).toEqual({});
    expect(bank.calls.map(({ method }) => method)).toEqual(['/bank.Bank/In']);
  });
});
