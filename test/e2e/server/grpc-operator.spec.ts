import { beforeEach, describe, expect, it } from 'vitest';
import { OPERATOR_PROTO } from '../../../lib/protocol/internal.js';
import { GrpcClient, requestMessage } from '../../support/grpc-client.js';
import { startGrpcCoordinator, type GrpcCoordinator } from '../../support/grpc-coordinator.js';
import { definitionOf } from '../../support/grpc-definitions.js';
import { get } from '../../support/http-client.js';

describe('the service nestjsdtm.Operator', () => {
  let dtm: GrpcCoordinator;
  let operator: GrpcClient;

  beforeEach(async () => {
    dtm = await startGrpcCoordinator();
    operator = new GrpcClient(dtm.address, definitionOf(OPERATOR_PROTO, 'Operator'));
    await dtm.call('Prepare', requestMessage('g', 'tcc'));
  });

  async function ask(method: string, parameters?: object): Promise<unknown> {
    const json = parameters && JSON.stringify(parameters);
    const { status, message, reply } = await operator.call(method, { json });
    return reply ? (JSON.parse(reply['json'] as string) as unknown) : `${status} ${message}`;
  }

  it('answers Query, All and Version with the JSON of the HTTP API', async () => {
    for (const [method, path, parameters] of [
      ['Query', 'query?gid=g', { gid: 'g' }],
      ['Query', 'query?gid=none', { gid: 'none' }],
      ['All', 'all', undefined],
      ['All', 'all?status=prepared&limit=1', { status: 'prepared', limit: '1' }],
      ['All', 'all?status=failed', { status: 'failed' }],
      ['Version', 'version', {}],
    ] as const) {
      expect(await ask(method, parameters), path).toEqual(JSON.parse((await get(`${dtm.base}/${path}`)).body));
    }
  });

  it('stops and retries transactions', async () => {
    expect(await ask('RetryNow', { gid: 'g' })).toEqual({});
    expect(await ask('ForceStop', { gid: 'g' })).toEqual({});
    expect((await dtm.find('g')).transaction.status).toBe('failed');
    expect(await ask('ForceStop', { gid: 'g' })).toMatch(/^ABORTED .*force stop error.*FAILURE$/);
  });

  it.each<[string, string, object | undefined, RegExp]>([
    ['an unknown gid', 'RetryNow', { gid: 'none' }, /^UNKNOWN no TransGlobal/],
    ['no gid', 'Query', undefined, /^INVALID_ARGUMENT no gid specified/],
    ['an unknown status', 'All', { status: 'x' }, /^INVALID_ARGUMENT status must be one of/],
    ['a limit that is none', 'All', { limit: 'x' }, /^INVALID_ARGUMENT convert to int error/],
    ['a parameter that is no text', 'All', { limit: 1 }, /^INVALID_ARGUMENT params must be an object of strings/],
  ])('refuses %s', async (_, method, parameters, message) => {
    expect(await ask(method, parameters)).toMatch(message);
  });

  it('refuses invalid JSON', async () => {
    expect(await operator.answer('Query', { json: '{' })).toBe('INVALID_ARGUMENT json must be an object of strings');
    expect(await operator.answer('Query', { json: '[]' })).toMatch(/^INVALID_ARGUMENT/);
  });
});
