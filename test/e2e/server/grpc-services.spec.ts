import type { ClientDuplexStream, ClientReadableStream } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { serviceMethods } from '../../../lib/protocol/internal.js';
import { HEALTH_PROTO } from '../../../lib/server/api/grpc/health-service.js';
import { REFLECTION_PROTOS } from '../../../lib/server/api/grpc/reflection-service.js';
import { GrpcClient } from '../../support/grpc-client.js';
import { startGrpcCoordinator, type GrpcCoordinator } from '../../support/grpc-coordinator.js';
import { definitionOf } from '../../support/grpc-definitions.js';
import { tempFolder } from '../../support/temp-folder.js';
import { waitUntil } from '../../support/wait-until.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

let dtm: GrpcCoordinator;

beforeEach(async () => {
  dtm = await startGrpcCoordinator();
});

describe('the health service', () => {
  const methods = definitionOf(HEALTH_PROTO, 'Health');

  function watch(service: string): { statuses: string[]; stream: ClientReadableStream<{ status: string }> } {
    const { path, requestSerialize, responseDeserialize } = methods['Watch']!;
    const stream = dtm.client.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service });
    const statuses: string[] = [];
    stream.on('data', ({ status }: { status: string }) => statuses.push(status));
    stream.on('error', (error) => statuses.push(error.message));
    stream.on('end', () => statuses.push('end'));
    return { statuses, stream: stream as ClientReadableStream<{ status: string }> };
  }

  it.each(['', 'dtmgimp.Dtm', 'nestjsdtm.Operator'])('reports that "%s" is served', async (service) => {
    const health = new GrpcClient(dtm.address, methods);
    expect((await health.call('Check', { service })).reply).toEqual({ status: 'SERVING' });
  });

  it('reports unknown services as unknown', async () => {
    const health = new GrpcClient(dtm.address, methods);
    expect(await health.answer('Check', { service: 'dtmgimp.Other' })).toBe('NOT_FOUND unknown service');
    const { statuses, stream } = watch('dtmgimp.Other');
    await waitUntil(() => statuses.length === 1);
    expect(statuses).toEqual(['SERVICE_UNKNOWN']);
    stream.cancel();
  });

  it('tells watchers that the coordinator is closing, and does not wait for them', async () => {
    const all = watch('');
    const one = watch('dtmgimp.Dtm');
    await waitUntil(() => all.statuses.length === 1 && one.statuses.length === 1);
    await dtm.server.close();
    await waitUntil(() => all.statuses.includes('end') && one.statuses.includes('end'));
    expect(all.statuses).toEqual(['SERVING', 'NOT_SERVING', 'end']);
    expect(one.statuses).toEqual(['SERVING', 'NOT_SERVING', 'end']);
  });
});

/** File descriptors as protobufjs types, with their real names. */
function fileDescriptorType(): { deserialize(bytes: Buffer): FileDescriptor } {
  const path = join(tempFolder(), 'descriptors.proto');
  writeFileSync(path, 'syntax = "proto3"; import "google/protobuf/descriptor.proto";');
  const options = { enums: String, defaults: true } as const;
  return loadSync(path, options)['google.protobuf.FileDescriptorProto'] as ReturnType<typeof fileDescriptorType>;
}

interface FileDescriptor {
  readonly name: string;
  readonly package: string;
  readonly syntax: string;
  readonly dependency: string[];
  readonly messageType: {
    name: string;
    field: { name: string; number: number; type: string; typeName: string; label: string; jsonName: string }[];
    nestedType: { name: string; options: { mapEntry: boolean } }[];
    reservedRange: object[];
    reservedName: string[];
  }[];
  readonly service: { name: string; method: { name: string; inputType: string; outputType: string }[] }[];
}

describe.each(REFLECTION_PROTOS.map((file) => ({ version: file.package, file })))('$version', ({ version, file }) => {
  type Question = Record<string, string | object>;
  type Answer = Record<string, unknown> & { error_response?: { error_code: number } };

  function open(): ClientDuplexStream<Question, Answer> {
    const { path, requestSerialize, responseDeserialize } = serviceMethods(`${version}.ServerReflection`, [file])[
      'ServerReflectionInfo'
    ]!;
    const stream = dtm.client.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    stream.on('error', () => undefined);
    return stream as ClientDuplexStream<Question, Answer>;
  }

  async function ask(...questions: Question[]): Promise<Answer[]> {
    const stream = open();
    const answers: Answer[] = [];
    stream.on('data', (answer: Answer) => answers.push(answer));
    for (const question of questions) stream.write(question);
    stream.end();
    await new Promise<void>((resolve) => void stream.once('end', resolve));
    return answers;
  }

  function filesIn(answer: Answer | undefined): FileDescriptor[] {
    const { file_descriptor_proto: files } = answer!['file_descriptor_response'] as { file_descriptor_proto: Buffer[] };
    const type = fileDescriptorType();
    return files.map((bytes) => type.deserialize(bytes));
  }

  it('lists the services', async () => {
    const [answer] = await ask({ host: 'h', list_services: '*' });
    expect(answer).toMatchObject({
      valid_host: 'h',
      original_request: { list_services: '*' },
      list_services_response: {
        service: [
          { name: 'dtmgimp.Dtm' },
          { name: 'nestjsdtm.Operator' },
          { name: 'grpc.health.v1.Health' },
          { name: 'grpc.reflection.v1.ServerReflection' },
          { name: 'grpc.reflection.v1alpha.ServerReflection' },
        ],
      },
    });
  });

  it('returns the file of each symbol with its imports', async () => {
    const symbols = [
      'dtmgimp.Dtm',
      'dtmgimp.Dtm.Submit',
      'dtmgimp.DtmRequest',
      'dtmgimp.DtmRequest.Gid',
      'grpc.health.v1.HealthCheckResponse.ServingStatus',
      'google.protobuf.Empty',
      'nestjsdtm.OperatorRequest.json',
    ];
    const answers = await ask(...symbols.map((symbol) => ({ file_containing_symbol: symbol })));
    expect(answers.map((answer) => filesIn(answer).map(({ name }) => name))).toEqual([
      ...Array.from({ length: 4 }, () => ['dtmgimp.proto', 'google/protobuf/empty.proto']),
      ['grpc/health/v1/health.proto'],
      ['google/protobuf/empty.proto'],
      ['nestjsdtm_operator.proto'],
    ]);
  });

  it('describes messages as protoc does', async () => {
    const [answer] = await ask({ file_by_filename: 'dtmgimp.proto' });
    const [dtmgimp] = filesIn(answer) as [FileDescriptor];
    expect(dtmgimp).toMatchObject({
      package: 'dtmgimp',
      syntax: 'proto3',
      dependency: ['google/protobuf/empty.proto'],
      service: [{ name: 'Dtm' }],
    });
    expect(dtmgimp.service[0]!.method).toHaveLength(9);
    expect(dtmgimp.service[0]!.method[0]).toMatchObject({
      name: 'NewGid',
      inputType: '.google.protobuf.Empty',
      outputType: '.dtmgimp.DtmGidReply',
    });
    const message = (name: string) => dtmgimp.messageType.find((one) => one.name === name)!;
    expect(message('DtmTransOptions')).toMatchObject({
      nestedType: [{ name: 'BranchHeadersEntry', options: { mapEntry: true } }],
      reservedRange: [{ start: 4, end: 5 }],
      reservedName: ['PassthroughHeaders'],
    });
    const [, , , headers] = message('DtmTransOptions').field;
    expect(headers).toMatchObject({
      name: 'BranchHeaders',
      number: 5,
      label: 'LABEL_REPEATED',
      type: 'TYPE_MESSAGE',
      typeName: '.dtmgimp.DtmTransOptions.BranchHeadersEntry',
      jsonName: 'BranchHeaders',
    });
    expect(message('DtmProgress').field.map(({ name, jsonName }) => [name, jsonName])).toEqual([
      ['Status', 'status'],
      ['BinData', 'bin_data'],
      ['BranchID', 'branch_id'],
      ['Op', 'op'],
    ]);
  });

  it('reports unknown symbols and keeps answering', async () => {
    const answers = await ask(
      { file_by_filename: 'other.proto' },
      { file_containing_symbol: 'dtmgimp.Other' },
      { file_containing_symbol: '__proto__' },
      { file_containing_extension: { containing_type: 'dtmgimp.DtmRequest', extension_number: 1 } },
      { all_extension_numbers_of_type: 'dtmgimp.DtmRequest' },
      {},
      { list_services: '' },
    );
    expect(answers.map(({ error_response: error }) => error?.error_code)).toEqual([5, 5, 5, 5, 5, 3, undefined]);
  });

  it('applies back pressure to clients that do not read', async () => {
    const { path, requestSerialize } = serviceMethods(`${version}.ServerReflection`, [file])['ServerReflectionInfo']!;
    const session = connect(`http://${dtm.address}`);
    onTestFinished(() => session.destroy());
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const question = requestSerialize({ file_containing_symbol: 'dtmgimp.Dtm', host: 'x'.repeat(1000) });
    const head = Buffer.alloc(5);
    head.writeUInt32BE(question.length, 1);
    const frame = Buffer.concat([head, question]);
    // unread answers stay in the server, which stops reading requests
    let isWaiting = false;
    let count = 0;
    for (; count < 100_000 && !isWaiting; count++) {
      if (stream.write(frame)) continue;
      isWaiting = await Promise.race([
        new Promise<boolean>((resolve) => void stream.once('drain', () => resolve(false))),
        new Promise<boolean>((resolve) => void setTimeout(() => resolve(true), 1000)),
      ]);
    }
    expect(isWaiting).toBe(true);
    expect(await dtm.answer('NewGid')).toBe('OK');
    // the server continues when the client reads: each answer is larger than its request
    let size = 0;
    stream.on('data', (chunk: Buffer) => (size += chunk.length));
    await waitUntil(() => size > count * frame.length);
  });

  it('does not keep the coordinator from closing', async () => {
    const stream = open();
    const status = new Promise<{ code: number }>((resolve) => void stream.once('status', resolve));
    stream.write({ list_services: '' });
    await new Promise<void>((resolve) => void stream.on('data', () => resolve()));
    await dtm.server.close();
    expect(await status).toMatchObject({ code: 0 });
  });
});
