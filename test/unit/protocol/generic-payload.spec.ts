import { describe, expect, it } from 'vitest';
import {
  DtmArgumentError,
  decodeGenericPayload,
  encodeGenericPayload,
  isGenericMethod,
} from '../../../lib/protocol/internal.js';

describe('a payload of a branch without a .proto', () => {
  it.each(['{"a":1}', '"ä 💰"', '30', 'null', '[]', ' '.repeat(300)])('%j arrives as it was sent', (json) => {
    expect(decodeGenericPayload(encodeGenericPayload(json))).toBe(json);
  });

  it('is one field of bytes', () => {
    expect([...encodeGenericPayload('30')]).toEqual([0x0a, 2, 0x33, 0x30]);
  });

  it('is no bytes at all when there is none', () => {
    expect(encodeGenericPayload('').length).toBe(0);
    expect(decodeGenericPayload(new Uint8Array())).toBe('');
  });

  it('may be JSON without a message, as subscribers of topics get it', () => {
    expect(decodeGenericPayload(Buffer.from('{"a":1}'))).toBe('{"a":1}');
  });

  it('that ends too early is refused', () => {
    expect(() => decodeGenericPayload(Buffer.from([0x0a, 9, 0x33]))).toThrow(DtmArgumentError);
  });
});

describe('a branch without a .proto', () => {
  it.each([
    ['bank:50051/nestjsdtm.Bank/TransOut', true],
    ['/nestjsdtm.Bank/TransOut', true],
    ['etcd://etcd:2379/bank/nestjsdtm.Bank/TransOut', true],
    ['bank:50051/bank.Bank/TransOut', false],
    ['bank:50051/nestjsdtm.bank.Bank/TransOut', false],
    ['bank:50051/xnestjsdtm.Bank/TransOut', false],
    ['http://bank/nestjsdtm/out', false],
  ])('%s: %s', (url, is) => {
    expect(isGenericMethod(url)).toBe(is);
  });
});
