import { loadSync } from '@grpc/proto-loader';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonPayloads, protoPayloads, type PayloadCodec, type ProtoFilesOptions } from 'nestjs-dtm/client';
import { DtmArgumentError, DtmBranchError, DtmConfigError } from 'nestjs-dtm/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const MONEY = `
syntax = "proto3";
package common.v1;
message Money { int64 amount_minor = 1; string currency = 2; }
`;

const BANK = `
syntax = "proto3";
package bank.v1;
import "common/money.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/timestamp.proto";

service Bank {
  rpc TransOut (Transfer) returns (google.protobuf.Empty);
  rpc Try (Transfer) returns (Receipt);
  rpc Watch (Transfer) returns (stream Receipt);
}

message Transfer {
  enum Kind { NORMAL = 0; FAST = 1; }
  message Leg { repeated sint32 hops = 1; map<string, Leg> more = 2; }
  int32 user_id = 1;
  common.v1.Money money = 2;
  Kind kind = 3;
  repeated Leg legs = 4;
  map<string, string> labels = 5;
  map<int32, common.v1.Money> by_day = 6;
  bytes blob = 7;
  double rate = 8;
  optional bool urgent = 9;
  oneof target { string to_name = 10; uint64 to_id = 11; }
  google.protobuf.Timestamp at = 12;
  Colour colour = 13;
  uint32 count = 14;
}
enum Colour { RED = 0; GREEN = 1; }
message Receipt { int64 balance = 1; Colour colour = 2; }
`;

const OUT = 'bank:50051/bank.v1.Bank/TransOut';
const TRY = 'bank:50051/bank.v1.Bank/Try';

let folder: string;
let files: ProtoFilesOptions;
let codec: PayloadCodec;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nestjs-dtm-'));
  mkdirSync(join(folder, 'common'));
  writeFileSync(join(folder, 'common/money.proto'), MONEY);
  writeFileSync(join(folder, 'bank.proto'), BANK);
  files = { protoPath: 'bank.proto', includeDirs: [folder] };
  codec = protoPayloads(files);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What a participant with the same files reads. */
function read(bytes: unknown, type = 'bank.v1.Transfer'): unknown {
  const definition = loadSync('bank.proto', { includeDirs: [folder], longs: String, enums: String, oneofs: true });
  return (definition[type] as unknown as { deserialize(bytes: Buffer): unknown }).deserialize(bytes as Buffer);
}

function errorOf(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

describe('a plain object for a gRPC branch', () => {
  it('is encoded by the .proto file, whatever scheme the URL has', () => {
    const transfer = {
      userId: 1,
      money: { amountMinor: '9007199254740993', currency: 'EUR' },
      kind: 'FAST',
      legs: [{ hops: [-1, 2], more: { a: { hops: [3] } } }],
      labels: { x: 'y' },
      byDay: { 1: { amountMinor: '5' } },
      blob: Buffer.from([0xff]),
      rate: 0.5,
      urgent: false,
      toName: 'Zoë',
      target: 'toName',
      at: { seconds: '10', nanos: 5 },
      colour: 'GREEN',
      count: 7,
    };
    for (const url of [
      OUT,
      'protocol1:///localhost:50051/bank.v1.Bank/TransOut',
      'etcd://e/bank/bank.v1.Bank/TransOut',
      'polaris://bank/bank.v1.Bank/TransOut?namespace=Test',
      'consul://c:8500/bank?token=a/bank.v1.Bank/TransOut',
    ]) {
      expect(read(codec.encode(url, transfer))).toMatchObject(transfer);
    }
  });

  it('can have 64-bit integers as bigints, numbers, strings of digits or Longs', () => {
    const minor = (amountMinor: unknown): unknown =>
      (read(codec.encode(OUT, { money: { amountMinor } })) as { money: { amountMinor: string } }).money.amountMinor;
    expect([9007199254740993n, -5, '-9223372036854775808', { low: 1, high: 1, unsigned: false }].map(minor)).toEqual([
      '9007199254740993',
      '-5',
      '-9223372036854775808',
      '4294967297',
    ]);
  });

  it('leaves out what is undefined or null', () => {
    expect(codec.encode(OUT, { userId: undefined, money: null })).toHaveLength(0);
    expect(codec.encode(OUT, {})).toHaveLength(0);
  });

  it('has the field names of the file with keepCase', () => {
    const kept = protoPayloads({ ...files, loader: { keepCase: true } });
    expect(read(kept.encode(OUT, { user_id: 4 }))).toMatchObject({ userId: 4 });
    expect(errorOf(() => kept.encode(OUT, { userId: 4 })).message).toMatch(/no field "userId"/);
  });

  it.each<[string, object, RegExp]>([
    ['an unknown field', { userID: 1 }, /bank\.v1\.Transfer has no field "userID"; its fields are userId, money/],
    ['an unknown field deep inside', { legs: [{}, { hop: 1 }] }, /Leg has no field "legs\[1\]\.hop"/],
    ['a string for a number', { userId: '1' }, /field "userId" must be a 32-bit integer, not "1"/],
    ['a fraction', { userId: 0.5 }, /"userId" must be a 32-bit integer, not 0\.5/],
    ['a number of 33 bits', { userId: 2 ** 31 }, /"userId" must be a 32-bit integer, not 2147483648/],
    ['a negative count', { count: -1 }, /"count" must be a 32-bit integer, 0 or more, not -1/],
    [
      'a number that is not exact',
      { money: { amountMinor: 2 ** 53 } },
      /"money\.amountMinor" must be a 64-bit integer/,
    ],
    ['a negative id', { toId: -1n }, /"toId" must be a 64-bit integer, 0 or more, not -1/],
    ['a number for a string', { toName: 1 }, /"toName" must be a string, not 1/],
    ['a string for bytes', { blob: 'AQ==' }, /"blob" must be bytes, not "AQ=="/],
    ['a string for a boolean', { urgent: 'no' }, /"urgent" must be true or false/],
    ['a string for a rate', { rate: '0.5' }, /"rate" must be a number/],
    ['an unknown value of an enum', { kind: 'SLOW' }, /"kind" must be one of NORMAL, FAST, or a number, not "SLOW"/],
    ['an unknown value of another enum', { colour: 'FAST' }, /"colour" must be one of RED, GREEN/],
    ['one value for an array', { legs: {} }, /"legs" must be an array, not an object/],
    ['an array for an object', { money: [] }, /"money" must be an object, a common\.v1\.Money, not an array/],
    ['null in an array', { legs: [null] }, /"legs\[0\]" must be an object.*not null/],
    ['an array for a map', { labels: ['x'] }, /"labels" must be an object, a map/],
    ['a wrong value in a map', { labels: { x: 1 } }, /"labels\[x\]" must be a string/],
    ['a wrong key of a map', { byDay: { monday: {} } }, /"byDay\[monday\]" must have a key that is a 32-bit integer/],
    ['two of a oneof', { toName: 'a', toId: 1 }, /only one of toName and toId may be set/],
    ['an array', [], /payload must be an object, a bank\.v1\.Transfer, not an array/],
  ])('with %s is refused', (_, payload, message) => {
    const error = errorOf(() => codec.encode(OUT, payload));
    expect(error).toBeInstanceOf(DtmArgumentError);
    expect(error.message).toMatch(message);
  });

  it('is refused for a number, a string or null', () => {
    for (const payload of [1, 'x', null]) {
      expect(errorOf(() => codec.encode(OUT, payload)).message).toMatch(/payload must be an object/);
    }
  });

  it.each<[string, string, RegExp]>([
    [
      'an unknown service',
      'b:1/bank.v2.Bank/TransOut',
      /have only the services bank\.v1\.Bank; add the file of this service/,
    ],
    [
      'an unknown method',
      'b:1/bank.v1.Bank/TransUot',
      /bank\.v1\.Bank has no method "TransUot"; it has TransOut, Try, Watch/,
    ],
    ['a stream', 'b:1/bank.v1.Bank/Watch', /is a stream; a branch is called with one message/],
  ])('for %s is refused', (_, url, message) => {
    const error = errorOf(() => codec.encode(url, {}));
    expect(error).toBeInstanceOf(DtmArgumentError);
    expect(error.message).toMatch(message);
  });
});

describe('other payloads of a gRPC branch', () => {
  const bytes = Buffer.from([8, 1]);

  it.each<[string, unknown]>([
    ['bytes', bytes],
    ['an object with toBinary()', { toBinary: () => bytes }],
    ['an object with serializeBinary()', { serializeBinary: () => bytes }],
    ['a writer with finish()', { finish: () => bytes }],
    ['an object with encode()', { encode: () => ({ finish: () => bytes }) }],
    [
      'an object of a class that protobufjs generated',
      Object.create({ constructor: { encode: () => ({ finish: () => bytes }) } }),
    ],
  ])('%s are sent unchanged, with and without a .proto file', (_, payload) => {
    for (const one of [codec, jsonPayloads]) expect(one.encode(OUT, payload)).toBe(bytes);
    expect(codec.encode('b:1/other.Service/Method', payload)).toBe(bytes);
  });

  it('that do not encode themselves to bytes are refused', () => {
    expect(errorOf(() => codec.encode(OUT, { toBinary: () => 'x' })).message).toMatch(
      /toBinary\(\).*must return bytes/,
    );
  });

  it('can be missing', () => {
    expect(codec.encode(OUT, undefined)).toBe('');
    expect(codec.encode('b:1/other.Service/Method', undefined)).toBe('');
  });

  it('bytes for a method that does not exist are refused too', () => {
    expect(errorOf(() => codec.encode('b:1/bank.v1.Bank/Nothing', bytes)).message).toMatch(/has no method "Nothing"/);
  });

  it('plain objects without a .proto file are refused with the remedy', () => {
    const error = errorOf(() => jsonPayloads.encode(OUT, { userId: 1 }));
    expect(error).toBeInstanceOf(DtmArgumentError);
    expect(error.message).toMatch(/set payloads: protoPayloads\(\{ protoPath \}\)/);
  });
});

describe('the answer of a gRPC branch', () => {
  it('is decoded by the .proto file', () => {
    const definition = loadSync('bank.proto', { includeDirs: [folder] });
    const { serialize } = definition['bank.v1.Receipt'] as unknown as { serialize(value: object): Buffer };
    expect(codec.decode(TRY, serialize({ balance: 70, colour: 1 }))).toEqual({ balance: '70', colour: 'GREEN' });
    // nothing but defaults
    expect(codec.decode(TRY, new Uint8Array())).toEqual({ balance: '0', colour: 'RED' });
  });

  it('that is empty by its type is undefined', () => {
    expect(codec.decode(OUT, new Uint8Array())).toBeUndefined();
  });

  it('that is another message is an error', () => {
    const error = errorOf(() => codec.decode(TRY, Buffer.from([8])));
    expect(error).toBeInstanceOf(DtmBranchError);
    expect(error.message).toMatch(/answered a message that is not a bank\.v1\.Receipt/);
  });

  it('of an unknown service are its bytes', () => {
    const body = Buffer.from([8, 1]);
    expect(codec.decode('b:1/other.Service/Method', body)).toBe(body);
  });
});

describe('payloads without .proto files', () => {
  it('of branches over HTTP and of topics are JSON', () => {
    expect(codec.encode('http://bank/out', { userID: 1 })).toBe('{"userID":1}');
    expect(codec.encode('', { userID: 1 })).toBe('{"userID":1}');
    expect(codec.decode('http://bank/out', '{"a":1}')).toEqual({ a: 1 });
  });

  it('of the generic gRPC methods are JSON', () => {
    const url = 'bank:50051/nestjsdtm.Bank/TransOut';
    const payload = codec.encode(url, { userID: 1 });
    expect(payload).toEqual(jsonPayloads.encode(url, { userID: 1 }));
    expect(codec.decode(url, payload)).toEqual({ userID: 1 });
  });
});

describe('.proto files', () => {
  it('can be loaded before', () => {
    const loaded = protoPayloads(loadSync(join(folder, 'bank.proto'), { includeDirs: [folder], keepCase: true }));
    expect(read(loaded.encode(OUT, { user_id: 3 }))).toMatchObject({ userId: 3 });
  });

  it('can be several', () => {
    writeFileSync(
      join(folder, 'other.proto'),
      'syntax="proto3"; package o; service S { rpc M (A) returns (A); } message A { int32 a = 1; }',
    );
    const both = protoPayloads({ ...files, protoPath: ['bank.proto', 'other.proto'] });
    expect(both.encode('h:1/o.S/M', { a: 1 })).toEqual(Buffer.from([8, 1]));
    expect(both.encode(OUT, { userId: 1 })).toEqual(Buffer.from([8, 1]));
  });

  it.each<[string, string, string, RegExp]>([
    ['is missing', 'nowhere.proto', '', /protoPath "[^"]*nowhere\.proto" cannot be loaded: .*ENOENT/],
    ['is malformed', 'bad.proto', 'syntax = "proto3"; message {', /bad\.proto" cannot be loaded: .*line 1/],
    ['has no service', 'none.proto', 'syntax = "proto3"; message A {}', /have no service/],
  ])('are a wrong configuration when one %s', (_, name, text, message) => {
    if (text) writeFileSync(join(folder, name), text);
    const error = errorOf(() => protoPayloads({ protoPath: join(folder, name) }));
    expect(error).toBeInstanceOf(DtmConfigError);
    expect(error.message).toMatch(message);
  });
});
