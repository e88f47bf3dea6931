import { describe, expect, it } from 'vitest';
import {
  DTM_PROTO,
  DtmArgumentError,
  EMPTY_PROTO,
  OPERATOR_PROTO,
  ProtoWriter,
  messageCodec,
  serviceMethods,
  type ProtoFile,
} from '../../../lib/protocol/internal.js';
import { definitionOf } from '../../support/grpc-definitions.js';
import { seededRandom } from '../../support/random.js';

/** Everything that a message can hold here. */
const TEST_PROTO: ProtoFile = {
  name: 'test.proto',
  package: 'test',
  imports: ['google/protobuf/empty.proto'],
  services: { Test: { methods: { Echo: { requestType: 'All', responseType: 'google.protobuf.Empty' } } } },
  messages: {
    All: {
      fields: {
        text: { type: 'string', id: 1 },
        long: { type: 'int64', id: 2 },
        int: { type: 'int32', id: 3 },
        yes: { type: 'bool', id: 4 },
        bytes: { type: 'bytes', id: 5 },
        texts: { rule: 'repeated', type: 'string', id: 16 },
        blobs: { rule: 'repeated', type: 'bytes', id: 17 },
        numbers: { rule: 'repeated', type: 'int32', id: 18 },
        parts: { rule: 'repeated', type: 'Part', id: 19 },
        map: { keyType: 'string', type: 'string', id: 20 },
        part: { type: 'Part', id: 2000 },
        nothing: { type: 'google.protobuf.Empty', id: 22 },
        mood: { type: 'Mood', id: 23 },
        a: { type: 'string', id: 24 },
        b: { type: 'Part', id: 25 },
      },
      oneofs: { choice: { oneof: ['a', 'b'] } },
      nested: { Mood: { values: { UNKNOWN: 0, GOOD: 1, BAD: 200 } } },
    },
    Part: { fields: { name: { type: 'string', id: 1 }, count: { type: 'int64', id: 2 } } },
  },
};

const codec = messageCodec('test.All', [TEST_PROTO, EMPTY_PROTO]);

/** The same message type in protobufjs. */
const reference = definitionOf(TEST_PROTO, 'Test')['Echo']!;

const EMPTY = {
  text: '',
  long: 0,
  int: 0,
  yes: false,
  bytes: Buffer.alloc(0),
  texts: [],
  blobs: [],
  numbers: [],
  parts: [],
  map: {},
  part: null,
  nothing: null,
  mood: 'UNKNOWN',
};

function randomMessage(random: () => number): object {
  const int = (limit: number): number => Math.floor(random() * limit);
  const maybe = (make: () => unknown, name: string): object => (random() < 0.5 ? { [name]: make() } : {});
  const letters = ['a', 'ä', '帳', '😀', '\u0000', '\ufffd', '\ufeff', '"'];
  const text = (): string => Array.from({ length: int(int(3) === 0 ? 300 : 5) }, () => letters[int(8)]).join('');
  const bytes = (): Buffer => Buffer.from(Array.from({ length: int(200) }, () => int(256)));
  const long = (): number =>
    [0, 1, -1, 127, 128, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 52, -(2 ** 52), int(2 ** 40)][int(11)]!;
  const small = (): number => [0, 1, -1, 127, 128, 2 ** 31 - 1, -(2 ** 31), int(1000)][int(8)]!;
  const part = (): object => ({ name: text(), count: long() });
  const list = <T>(make: () => T): T[] => Array.from({ length: int(4) }, make);
  return {
    ...maybe(text, 'text'),
    ...maybe(long, 'long'),
    ...maybe(small, 'int'),
    ...maybe(() => random() < 0.5, 'yes'),
    ...maybe(bytes, 'bytes'),
    ...maybe(() => list(text), 'texts'),
    ...maybe(() => list(bytes), 'blobs'),
    ...maybe(() => list(small), 'numbers'),
    ...maybe(() => list(part), 'parts'),
    ...maybe(() => Object.fromEntries(list(() => [text(), text()])), 'map'),
    ...maybe(part, 'part'),
    ...maybe(() => ({}), 'nothing'),
    ...maybe(() => ['UNKNOWN', 'GOOD', 'BAD'][int(3)], 'mood'),
    ...(random() < 0.5 ? maybe(text, 'a') : maybe(part, 'b')),
  };
}

describe('messages of gRPC', () => {
  it('are read and written as protobufjs does', () => {
    const random = seededRandom(20260101);
    for (let round = 0; round < 2000; round++) {
      const message = randomMessage(random);
      const own = codec.encode(message);
      const theirs = reference.requestSerialize(message);
      const expected = reference.requestDeserialize(theirs);
      expect(codec.decode(theirs), `round ${round}`).toEqual(expected);
      expect(reference.requestDeserialize(own), `round ${round}`).toEqual(expected);
    }
  });

  it('have every field when none was sent', () => {
    expect(codec.encode({})).toHaveLength(0);
    expect(codec.decode(Buffer.alloc(0))).toEqual(EMPTY);
    expect(codec.encode(EMPTY)).toHaveLength(0);
  });

  it('may hold fields that nobody knows', () => {
    const unknown = Buffer.concat([
      new ProtoWriter().number(99, 5).text(98, 'x').finish(),
      // 8 and 4 bytes
      Buffer.from([97 * 8 + 1 - 768 + 0x80, 0x06, 1, 2, 3, 4, 5, 6, 7, 8]),
      Buffer.from([13 * 8 + 5, 1, 2, 3, 4]),
      // a known field, written in another way
      new ProtoWriter().number(1, 7).number(16, 7).number(20, 7).text(2, 'x').finish(),
      new ProtoWriter().text(1, 'text').finish(),
    ]);
    expect(codec.decode(unknown)).toEqual({ ...EMPTY, text: 'text' });
  });

  it('have the last of several values, and of several choices', () => {
    const twice = new ProtoWriter().text(1, 'a').text(1, 'b').bytes(25, Buffer.alloc(0)).text(24, '').finish();
    expect(codec.decode(twice)).toEqual({ ...EMPTY, text: 'b', a: '', choice: 'a' });
  });

  it('may have entries of a map without a key or a value, and any key', () => {
    const entry = (bytes: Buffer): Buffer => new ProtoWriter().bytes(20, bytes).finish();
    const { map } = codec.decode(
      Buffer.concat([
        entry(Buffer.alloc(0)),
        entry(new ProtoWriter().text(1, 'key').finish()),
        entry(new ProtoWriter().text(2, 'value').text(1, '__proto__').number(3, 1).finish()),
      ]),
    ) as { map: Record<string, string> };
    expect(Object.entries(map)).toEqual([
      ['', ''],
      ['key', ''],
      ['__proto__', 'value'],
    ]);
  });

  it('may have numbers side by side', () => {
    const packed = new ProtoWriter()
      .bytes(18, Buffer.from([1, 0x80, 0x01, 3]))
      .number(18, 4)
      .finish();
    expect(codec.decode(packed)).toEqual({ ...EMPTY, numbers: [1, 128, 3, 4] });
  });

  it('may have an enum value that nobody knows', () => {
    expect(codec.decode(new ProtoWriter().number(23, 7).finish())).toEqual({ ...EMPTY, mood: 7 });
  });

  it('that are cut off anywhere in a value are refused', () => {
    const whole = codec.encode({ part: { name: 'a text', count: 300 }, map: { key: 'value' }, text: 'x'.repeat(200) });
    let refused = 0;
    for (let end = 1; end < whole.length; end++) {
      try {
        codec.decode(whole.subarray(0, end));
      } catch (error) {
        expect(error).toBeInstanceOf(DtmArgumentError);
        refused++;
      }
    }
    // but between the fields
    expect(refused).toBe(whole.length - 1 - 2);
  });

  it.each<[string, number[]]>([
    ['a length beyond the end', [0x0a, 0x7f, 0x61]],
    ['a length beyond the end of the part around it', [0x9a, 0x01, 0x02, 0x0a, 0x05, 0x61, 0x61, 0x61, 0x61, 0x61]],
    ['a length of 2^40', [0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20]],
    ['a number that does not end', Array.from({ length: 20 }, () => 0xff)],
    ['a group', [0x0b, 0x0c]],
    ['an unknown kind of field', [0x0e]],
    ['a text that is not UTF-8', [0x0a, 0x01, 0xff]],
    ['half a letter', [0x0a, 0x01, 0xc3]],
    ['a surrogate', [0x0a, 0x03, 0xed, 0xa0, 0x80]],
    ['a key that is not UTF-8', [0xa2, 0x01, 0x03, 0x0a, 0x01, 0xff]],
  ])('with %s are refused', (_, bytes) => {
    expect(() => codec.decode(Uint8Array.from(bytes))).toThrow(DtmArgumentError);
  });

  it('with more fields than a request may have are refused, wherever the fields are', () => {
    const submit = serviceMethods('dtmgimp.Dtm', [DTM_PROTO, EMPTY_PROTO])['Submit']!;
    const repeat = (field: Buffer, count: number): Buffer => Buffer.concat(Array.from({ length: count }, () => field));
    const entry = new ProtoWriter().bytes(5, new ProtoWriter().text(1, 'a').text(2, 'b').finish()).finish();
    const options = new ProtoWriter().bytes(3, repeat(entry, 25_000)).finish();
    for (const bytes of [
      // one field again and again, each time with an object
      repeat(new ProtoWriter().bytes(3, Buffer.alloc(0)).finish(), 150_001),
      // unknown fields
      repeat(new ProtoWriter().number(100, 1).finish(), 150_001),
      // entries of a map, in two messages
      Buffer.concat([options, options]),
    ]) {
      expect(() => submit.requestDeserialize(bytes)).toThrow(/^the message has more than 150000 fields$/);
    }
    expect(submit.requestDeserialize(options)).toMatchObject({ TransOptions: { BranchHeaders: { a: 'b' } } });
    // an answer may have any number of fields
    const all = serviceMethods('nestjsdtm.Operator', [OPERATOR_PROTO])['All']!;
    expect(all.responseDeserialize(repeat(new ProtoWriter().text(1, '').finish(), 150_001))).toEqual({ json: '' });
  });

  it('with more keys than the maps of a request may have are refused', () => {
    const submit = serviceMethods('dtmgimp.Dtm', [DTM_PROTO, EMPTY_PROTO])['Submit']!;
    const headers = (count: number): Buffer => {
      const writer = new ProtoWriter();
      for (let index = 0; index < count; index++) {
        writer.bytes(5, new ProtoWriter().text(1, `h${index}`).text(2, 'v').finish());
      }
      return new ProtoWriter().bytes(3, writer.finish()).finish();
    };
    expect(submit.requestDeserialize(headers(10_000))).toMatchObject({
      TransOptions: { BranchHeaders: { h9999: 'v' } },
    });
    expect(() => submit.requestDeserialize(headers(10_001))).toThrow(
      /^the message has more than 10000 keys in its maps$/,
    );
  });

  it('with a list of hundreds of thousands of nothings are refused', () => {
    const nothing = Buffer.from([0x8a, 0x01, 0x00]);
    const list = (length: number): Buffer => Buffer.concat(Array.from({ length }, () => nothing));
    expect((codec.decode(list(100_000)) as { blobs: unknown[] }).blobs).toHaveLength(100_000);
    expect(() => codec.decode(list(100_001))).toThrow(/more than 100000 values of blobs/);
    const packed = new ProtoWriter().bytes(18, Buffer.alloc(100_001)).finish();
    expect(() => codec.decode(packed)).toThrow(/more than 100000 values of numbers/);
  });

  it('survive noise', () => {
    const random = seededRandom(7);
    const whole = reference.requestSerialize(randomMessage(seededRandom(3)));
    for (let round = 0; round < 5000; round++) {
      const noisy = Buffer.from(whole);
      for (let change = 0; change < 3; change++)
        noisy[Math.floor(random() * noisy.length)] = Math.floor(random() * 256);
      try {
        codec.decode(noisy);
      } catch (error) {
        expect(error).toBeInstanceOf(DtmArgumentError);
      }
    }
  });
});

describe('services of gRPC', () => {
  it('have the paths and kinds of their methods', () => {
    const { Submit, NewGid } = serviceMethods('dtmgimp.Dtm', [DTM_PROTO, EMPTY_PROTO]);
    expect(Submit).toMatchObject({ path: '/dtmgimp.Dtm/Submit', requestStream: false, responseStream: false });
    expect(NewGid!.responseDeserialize(NewGid!.responseSerialize({ Gid: 'g' }))).toEqual({ Gid: 'g' });
  });

  it('that do not exist, or whose messages do not, are refused', () => {
    expect(() => serviceMethods('dtmgimp.Other', [DTM_PROTO])).toThrow('the service dtmgimp.Other does not exist');
    expect(() => serviceMethods('dtmgimp.Dtm', [DTM_PROTO])).toThrow(
      'the message google.protobuf.Empty does not exist',
    );
    expect(() => messageCodec('test.None', [TEST_PROTO])).toThrow('the message test.None does not exist');
  });
});
