import { describe, expect, it } from 'vitest';
import {
  JSON_RPC_CODE,
  decodeJsonRpcRequest,
  decodeJsonRpcResponse,
  encodeJsonRpcRequest,
  encodeJsonRpcResponse,
  readJsonRpcOutcome,
} from '../../../lib/protocol/internal.js';

const error = (code: unknown, message: unknown): string => JSON.stringify({ error: { code, message }, id: '1' });

describe('a JSON-RPC request', () => {
  it('is read as it was written', () => {
    const body = encodeJsonRpcRequest('1', 'a "method"', '{"gid":"g"}');
    expect(decodeJsonRpcRequest(body)).toEqual({
      id: '1',
      version: '2.0',
      method: 'a "method"',
      params: { gid: 'g' },
    });
  });

  it.each(['', '[]', '{"id":1}', '{"method":{}}'])('is refused when it is %j', (body) => {
    expect(() => decodeJsonRpcRequest(body)).toThrow(Error);
  });
});

describe('a JSON-RPC response', () => {
  it('is read as it was written, with its outcome words escaped', () => {
    const refusal = { code: JSON_RPC_CODE.FAILURE, message: 'no FAILURE' };
    const body = encodeJsonRpcResponse('1', {}, refusal);
    expect(body).not.toContain('FAILURE');
    expect(decodeJsonRpcResponse(body)).toEqual({ result: {}, error: refusal });
    expect(decodeJsonRpcResponse(encodeJsonRpcResponse('1', { gid: 'g' }))).toEqual({
      result: { gid: 'g' },
      error: undefined,
    });
  });

  it('may have its code as a string, and an error without a message', () => {
    expect(decodeJsonRpcResponse(error('-32901', 'no'))).toMatchObject({ error: { code: -32_901, message: 'no' } });
    expect(decodeJsonRpcResponse('{"error":{}}')).toMatchObject({ error: { code: 0, message: '{}' } });
  });

  it.each(['', '[]', 'null', '{"error":"x"}'])('is refused when it is %j', (body) => {
    expect(() => decodeJsonRpcResponse(body)).toThrow(Error);
  });
});

describe('the outcome of a JSON-RPC call', () => {
  it.each([
    [200, '{"result":{"a":1}}', 'success'],
    [200, error(JSON_RPC_CODE.FAILURE, 'no'), 'failure'],
    [200, error(JSON_RPC_CODE.ONGOING, 'wait'), 'ongoing'],
    [200, error(JSON_RPC_CODE.INTERNAL_ERROR, 'broken'), 'unknown'],
    [200, 'not JSON', 'unknown'],
    [409, '{"result":null}', 'failure'],
    [500, '{"result":null}', 'unknown'],
  ])('with status %s and %s is %s', (status, body, kind) => {
    expect(readJsonRpcOutcome(status, body).kind).toBe(kind);
  });
});
