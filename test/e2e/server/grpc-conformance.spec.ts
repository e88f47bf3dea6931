import { loadSync } from '@grpc/proto-loader';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { DTM_PROTO, serviceMethods, type ProtoFile } from '../../../lib/protocol/internal.js';
import { REFLECTION_PROTOS } from '../../../lib/server/api/grpc/reflection-service.js';
import { startDtm } from '../../services/dtm.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { GrpcClient, requestMessage, type RequestFields } from '../../support/grpc-client.js';
import { GrpcParticipant, REPLIES } from '../../support/grpc-participant.js';
import { get } from '../../support/http-client.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { tempFolder } from '../../support/temp-folder.js';
import { waitUntil } from '../../support/wait-until.js';

const go = requireOrSkip('dtm');

const WAIT = { TransOptions: { WaitResult: true } };

/** A coordinator, Go dtm or embedded, and the participant that it calls. */
interface Side {
  readonly client: GrpcClient;
  readonly bank: GrpcParticipant;
  /** A gid that is unique in this coordinator. */
  gid(name: string): string;
  /** Status of a transaction and its branches, when the transaction has the status. */
  state(name: string, status: string): Promise<string>;
}

interface Shown {
  readonly transaction: { status: string; protocol: string } | null;
  readonly branches: { branch_id: string; op: string; status: string; url?: string }[];
}

function side(address: string, httpUrl: string, bank: GrpcParticipant): Side {
  const run = String(Math.random()).slice(2);
  const gid = (name: string): string => `${name}-${run}`;
  return {
    client: new GrpcClient(address),
    bank,
    gid,
    async state(name, status) {
      let shown: Shown = { transaction: null, branches: [] };
      await waitUntil(async () => {
        const { body } = await get(`${httpUrl}/query?gid=${gid(name)}`);
        shown = JSON.parse(body) as Shown;
        return shown.transaction?.status === status;
      });
      const branches = shown.branches.map((branch) => `${branch.branch_id} ${branch.op} ${branch.status}`);
      return `${shown.transaction!.protocol} ${status}: ${branches.join(', ')}`;
    },
  };
}

/** The comparable parts of a conversation: answers, states, calls. */
type Conversation = (side: Side) => Promise<readonly string[]>;

function steps({ bank }: Side): RequestFields {
  return {
    steps: [
      { action: bank.url('bank.Bank/Out'), compensate: bank.url('bank.Bank/OutUndo') },
      { action: bank.url('bank.Bank/In'), compensate: bank.url('bank.Bank/InUndo') },
    ],
    payloads: [Buffer.from([0xff, 1]), Buffer.from('in')],
    ...WAIT,
  };
}

const callsOf = ({ bank }: Side): string[] => [
  ...bank.lines,
  ...bank.calls.map(({ metadata, message }) => {
    const own = Object.entries(metadata).filter(([name]) => name.startsWith('dtm-') && name !== 'dtm-gid');
    return `${own
      .map(([name, value]) => `${name}=${String(value)}`)
      .toSorted()
      .join(' ')} ${message.toString('hex')}`;
  }),
];

const CONVERSATIONS: Record<string, Conversation> = {
  'a saga that succeeds': async (dtm) => [
    await dtm.client.answer('Submit', requestMessage(dtm.gid('g'), 'saga', steps(dtm))),
    await dtm.state('g', 'succeed'),
    ...callsOf(dtm),
    // finished already
    await dtm.client.answer('Submit', requestMessage(dtm.gid('g'), 'saga', steps(dtm))),
    await dtm.client.answer('Prepare', requestMessage(dtm.gid('g'), 'saga', steps(dtm))),
  ],
  'a saga that is rolled back': async (dtm) => {
    dtm.bank.answer('bank.Bank/In', REPLIES.failure);
    const { status } = await dtm.client.call('Submit', requestMessage(dtm.gid('g'), 'saga', steps(dtm)));
    return [status, await dtm.state('g', 'failed'), ...callsOf(dtm)];
  },
  'a TCC that is confirmed': async (dtm) => {
    const branch = {
      Gid: dtm.gid('g'),
      TransType: 'tcc',
      BranchID: '01',
      Data: { confirm: dtm.bank.url('bank.Bank/In'), cancel: dtm.bank.url('bank.Bank/InUndo') },
      BusiPayload: Buffer.from([0xff]),
    };
    const tcc = requestMessage(dtm.gid('g'), 'tcc', WAIT);
    return [
      await dtm.client.answer('Prepare', tcc),
      await dtm.client.answer('Prepare', tcc),
      await dtm.client.answer('RegisterBranch', branch),
      (await dtm.client.call('RegisterBranch', branch)).status,
      await dtm.client.answer('RegisterBranch', { ...branch, BranchID: '02' }),
      await dtm.state('g', 'prepared'),
      await dtm.client.answer('Submit', tcc),
      await dtm.state('g', 'succeed'),
      ...callsOf(dtm),
      (await dtm.client.call('RegisterBranch', { ...branch, BranchID: '03' })).status,
      await dtm.client.answer('Abort', tcc),
    ];
  },
  'a TCC that is cancelled': async (dtm) => {
    const tcc = requestMessage(dtm.gid('g'), 'tcc', { ...WAIT, RollbackReason: 'no' });
    const Data = { confirm: dtm.bank.url('bank.Bank/In'), cancel: dtm.bank.url('bank.Bank/InUndo') };
    return [
      await dtm.client.answer('Prepare', tcc),
      await dtm.client.answer('RegisterBranch', { Gid: dtm.gid('g'), TransType: 'tcc', BranchID: '01', Data }),
      await dtm.client.answer('Abort', tcc),
      await dtm.state('g', 'failed'),
      ...callsOf(dtm),
    ];
  },
  'an XA': async (dtm) => {
    const xa = requestMessage(dtm.gid('g'), 'xa', WAIT);
    const Data = { url: dtm.bank.url('bank.Bank/In') };
    return [
      await dtm.client.answer('Prepare', xa),
      await dtm.client.answer('RegisterBranch', { Gid: dtm.gid('g'), TransType: 'xa', BranchID: '01', Data }),
      await dtm.client.answer('Submit', xa),
      await dtm.state('g', 'succeed'),
      ...callsOf(dtm),
    ];
  },
  'a message': async (dtm) => {
    const { steps: both, payloads } = steps(dtm);
    const message = requestMessage(dtm.gid('g'), 'msg', { steps: both!, payloads: payloads!, ...WAIT });
    const dropped = requestMessage(dtm.gid('h'), 'msg', { QueryPrepared: dtm.bank.url('bank.Bank/In') });
    return [
      await dtm.client.answer('Submit', message),
      await dtm.state('g', 'succeed'),
      ...callsOf(dtm),
      await dtm.client.answer('Prepare', dropped),
      await dtm.client.answer('Abort', dropped),
      await dtm.state('h', 'failed'),
    ];
  },
  'a workflow': async (dtm) => {
    const CustomedData = JSON.stringify({ name: 'w', data: null });
    const QueryPrepared = dtm.bank.url('workflow.Workflow/Execute');
    const workflow = requestMessage(dtm.gid('g'), 'workflow', { CustomedData, QueryPrepared });
    const branch = {
      Gid: dtm.gid('g'),
      TransType: 'workflow',
      BranchID: '01',
      Data: { op: 'action', status: 'succeed' },
      BusiPayload: Buffer.from([0xff]),
    };
    const shown = async (): Promise<string> => {
      const { status, reply } = await dtm.client.call('PrepareWorkflow', workflow);
      const { Transaction, Progresses } = reply as { Transaction: { Status: string }; Progresses: object[] };
      return `${status} ${Transaction.Status} ${JSON.stringify(Progresses)}`;
    };
    const ReqExtra = { status: 'succeed', result: 'b2s=' };
    return [
      await shown(),
      await dtm.client.answer('RegisterBranch', branch),
      await shown(),
      await dtm.client.answer('Submit', requestMessage(dtm.gid('g'), 'workflow', { ReqExtra })),
      await dtm.state('g', 'succeed'),
      await shown(),
    ];
  },
  topics: async (dtm) => {
    const topic = { Topic: dtm.gid('t'), URL: dtm.bank.url('bank.Bank/In'), Remark: 'r' };
    const answers = [
      ['Subscribe', topic],
      ['Subscribe', topic],
      ['Unsubscribe', topic],
      ['Unsubscribe', { ...topic, Topic: dtm.gid('none') }],
      ['DeleteTopic', topic],
    ] as const;
    const seen: string[] = [];
    for (const [method, message] of answers) seen.push(await dtm.client.answer(method, message));
    return seen;
  },
};

describe.skipIf(!go.available)(go.title('the gRPC APIs of the embedded coordinator and of Go dtm'), () => {
  let dtm: Awaited<ReturnType<typeof startDtm>>;

  beforeAll(async () => {
    dtm = await startDtm({ env: { LOG_LEVEL: 'error' } });
  });
  afterAll(() => dtm?.stop());

  async function participant(): Promise<GrpcParticipant> {
    const bank = await GrpcParticipant.start();
    for (const method of ['In', 'InUndo', 'Out', 'OutUndo']) bank.answer(`bank.Bank/${method}`, REPLIES.success);
    return bank;
  }

  async function bothSides(): Promise<{ ours: Side; theirs: Side }> {
    const server = embeddedServer({
      store: memoryStore(),
      logger: new RecordingLogger(),
      listen: { port: 0, grpcPort: 0 },
    });
    onTestFinished(() => server.close());
    await server.open();
    server.recover();
    const ours = side(server.grpcAddress!, server.address!, await participant());
    const theirs = side(`${dtm.host}:${dtm.grpcPort}`, dtm.url, await participant());
    return { ours, theirs };
  }

  it.each(Object.entries(CONVERSATIONS))('have the same conversation about %s', async (_, conversation) => {
    const { ours, theirs } = await bothSides();
    const [own, other] = [await conversation(ours), await conversation(theirs)];
    expect(own).toEqual(other);
    expect(own.length).toBeGreaterThan(2);
  });

  // rows of docs/deviations.md
  it.each<[string, string, (dtm: Side) => object, string, string]>([
    ['an unknown mode', 'Submit', (on) => requestMessage(on.gid('g'), 'zz'), 'INTERNAL', 'INVALID_ARGUMENT'],
    [
      'steps that are not JSON',
      'Submit',
      (on) => requestMessage(on.gid('g'), 'saga', { Steps: '{' }),
      'INTERNAL',
      'INVALID_ARGUMENT',
    ],
    ['abort of an unknown gid', 'Abort', (on) => requestMessage(on.gid('g'), 'tcc'), 'INTERNAL', 'UNKNOWN'],
    [
      'a branch of an unknown mode',
      'RegisterBranch',
      (on) => ({ Gid: on.gid('g'), TransType: 'zz', BranchID: '01' }),
      'UNKNOWN',
      'INVALID_ARGUMENT',
    ],
    ['an empty topic', 'Subscribe', () => ({ Topic: '', URL: 'b:1/b.B/In' }), 'UNKNOWN', 'INVALID_ARGUMENT'],
    ['deleting a topic that there is not', 'DeleteTopic', (on) => ({ Topic: on.gid('t') }), 'UNKNOWN', 'UNKNOWN'],
  ])('answer %s with an error', async (_, method, message, theirStatus, ourStatus) => {
    const { ours, theirs } = await bothSides();
    expect((await theirs.client.call(method, message(theirs))).status).toBe(theirStatus);
    expect((await ours.client.call(method, message(ours))).status).toBe(ourStatus);
  });

  it('refuse a message that is too large in the same way', async () => {
    const { ours, theirs } = await bothSides();
    for (const on of [ours, theirs]) {
      const request = requestMessage(on.gid('g'), 'saga', { payloads: [Buffer.alloc(5_000_000)] });
      expect((await on.client.call('Submit', request)).status).toBe('RESOURCE_EXHAUSTED');
    }
  });

  it('have the same contract, field by field', async () => {
    const file = await describedBy(`${dtm.host}:${dtm.grpcPort}`);
    for (const [name, { fields }] of Object.entries(DTM_PROTO.messages)) {
      const other = file.messageType.find((message) => message.name === name)!;
      const own = Object.entries(fields).map(([field, { id, type, rule, keyType, jsonName = field }]) => {
        const isList = rule === 'repeated' || keyType !== undefined;
        const isMessage = keyType !== undefined || DTM_PROTO.messages[type] !== undefined;
        const kind = isMessage ? 'TYPE_MESSAGE' : `TYPE_${type.toUpperCase()}`;
        return { name: field, number: id, label: isList ? 'LABEL_REPEATED' : 'LABEL_OPTIONAL', type: kind, jsonName };
      });
      const theirs = other.field
        // older clients pass it through, this client does not
        .filter((field) => field.name !== 'PassthroughHeaders')
        .map(({ name: field, number, label, type, jsonName }) => ({ name: field, number, label, type, jsonName }));
      expect(own, name).toEqual(theirs);
    }
    const methods = Object.entries(DTM_PROTO.services!['Dtm']!.methods);
    const qualified = (type: string): string => `.${type.includes('.') ? type : `dtmgimp.${type}`}`;
    expect(
      methods.map(([name, { requestType, responseType }]) => [name, qualified(requestType), qualified(responseType)]),
    ).toEqual(file.service[0]!.method.map(({ name, inputType, outputType }) => [name, inputType, outputType]));
  });
});

interface FileDescriptor {
  readonly messageType: {
    name: string;
    field: { name: string; number: number; label: string; type: string; jsonName: string }[];
  }[];
  readonly service: { method: { name: string; inputType: string; outputType: string }[] }[];
}

/** How a server describes the API of dtm; Go dtm has the older of the two reflection services. */
async function describedBy(address: string): Promise<FileDescriptor> {
  const alpha = REFLECTION_PROTOS.filter(({ package: version }) => version.endsWith('v1alpha')) as [ProtoFile];
  const { path, requestSerialize, responseDeserialize } = serviceMethods(
    'grpc.reflection.v1alpha.ServerReflection',
    alpha,
  )['ServerReflectionInfo']!;
  const { client } = new GrpcClient(address);
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  const answered = new Promise<{ file_descriptor_response: { file_descriptor_proto: Buffer[] } }>((resolve) =>
    stream.once('data', resolve),
  );
  const ended = new Promise<void>((resolve) => void stream.once('end', resolve));
  stream.write({ file_containing_symbol: 'dtmgimp.Dtm' });
  const { file_descriptor_response: files } = await answered;
  stream.end();
  stream.resume();
  await ended;
  const proto = join(tempFolder(), 'descriptors.proto');
  writeFileSync(proto, 'syntax = "proto3"; import "google/protobuf/descriptor.proto";');
  const types = loadSync(proto, { enums: String, defaults: true });
  const type = types['google.protobuf.FileDescriptorProto'] as { deserialize(bytes: Buffer): unknown };
  return type.deserialize(files.file_descriptor_proto[0]!) as FileDescriptor;
}
