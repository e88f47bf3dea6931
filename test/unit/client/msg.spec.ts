import type { BarrierAdapter } from 'nestjs-dtm/barrier';
import { Msg, type MsgDependencies, type MsgOptions } from 'nestjs-dtm/client';
import {
  DtmArgumentError,
  DtmBarrierError,
  DtmConfigError,
  DtmConnectionError,
  DtmDuplicatedError,
  DtmFailureError,
  DtmOngoingError,
} from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { encodeTransactionRequest } from '../../../lib/protocol/internal.js';
import { ScriptedApi } from '../../support/scripted-api.js';
import { memoryAdapter, type MemoryTransaction } from '../barrier/memory-adapter.js';

const QUERY = 'http://me/query';

function fixture(options: MsgOptions = {}, changes: Partial<BarrierAdapter<MemoryTransaction>> = {}) {
  const api = new ScriptedApi();
  const { adapter, rows } = memoryAdapter(changes);
  const asked: string[] = [];
  const dependencies: MsgDependencies = {
    api,
    getQueryPrepared: (database, protocol) => {
      asked.push(`${String(database === adapter)} ${protocol}`);
      return { url: QUERY };
    },
  };
  const msg = new Msg(dependencies, { gid: 'g', ...options });
  return { api, adapter, rows, asked, dependencies, msg };
}

const sentBy = (api: ScriptedApi, index = -1): unknown => JSON.parse(encodeTransactionRequest(api.requests.at(index)!));

describe('a message on the wire', () => {
  it('is the body of dtm', async () => {
    const { api, msg } = fixture({ delaySeconds: 5, concurrent: true, requestTimeoutSeconds: 4 });
    await msg.add('http://b/in', { amount: 30 }).addTopic('paid', 1).add('http://b/nothing').submit();
    expect(sentBy(api)).toEqual({
      gid: 'g',
      trans_type: 'msg',
      custom_data: '{"delay":5}',
      concurrent: true,
      request_timeout: 4,
      steps: [{ action: 'http://b/in' }, { action: 'topic://paid' }, { action: 'http://b/nothing' }],
      payloads: ['{"amount":30}', '1', ''],
    });
    expect(api.log).toEqual(['submit']);
  });

  it('is prepared with its gid and the URL of queryPrepared', async () => {
    const { api, msg } = fixture({ gid: undefined, queryPrepared: QUERY });
    const gid = await msg.add('http://b/in').prepare();
    expect(await msg.submit()).toBe(gid);
    expect(api.log).toEqual(['newGid', 'prepare', 'submit']);
    expect(sentBy(api, 0)).toMatchObject({ gid, query_prepared: QUERY });
  });

  it('with a branch over gRPC has the protocol grpc', async () => {
    const { api, msg } = fixture();
    await msg
      .add('bank:50051/bank.Bank/In', new Uint8Array([1]))
      .add('http://b/in', 1)
      .submit();
    expect(api.requests[0]).toMatchObject({ protocol: 'grpc', payloads: [new Uint8Array([1]), '1'] });
  });

  it('asks for a gid again after a failure', async () => {
    const { api, msg } = fixture({ gid: undefined });
    const down = new DtmConnectionError('down');
    api.fail('newGid', down, undefined);
    msg.add('http://b/in');
    await expect(msg.submit()).rejects.toBe(down);
    expect(await msg.submit()).toMatch(/^gid/);
  });
});

describe('doAndSubmit', () => {
  it('prepares, runs the local transaction, submits, and returns its result', async () => {
    const { api, adapter, rows, asked, msg } = fixture();
    const result = await msg.add('http://b/in').doAndSubmit(adapter, async () => {
      expect(api.log).toEqual(['prepare']);
      return 'done';
    });
    expect(result).toBe('done');
    expect(api.log).toEqual(['prepare', 'submit']);
    expect(sentBy(api, 0)).toMatchObject({ query_prepared: QUERY });
    expect(asked).toEqual(['true http']);
    expect(rows()).toEqual(['g/00/msg/01']);
  });

  it('drops the message with the reason when the work fails', async () => {
    const { api, adapter, rows, msg } = fixture();
    const failure = new Error('no money');
    await expect(msg.add('http://b/in').doAndSubmit(adapter, () => Promise.reject(failure))).rejects.toBe(failure);
    expect(api.log).toEqual(['prepare', 'abort']);
    expect(api.requests.at(-1)).toEqual({ gid: 'g', transType: 'msg', rollbackReason: 'no money' });
    expect(rows()).toEqual([]);
  });

  it('calls onAbortFailed when it cannot be dropped', async () => {
    const told: unknown[] = [];
    const { api, adapter, msg } = fixture({ onAbortFailed: (error, gid) => told.push(error, gid) });
    const down = new DtmConnectionError('down');
    api.fail('abort', down);
    await expect(msg.add('http://b/in').doAndSubmit(adapter, () => Promise.reject(new Error('no')))).rejects.toThrow(
      'no',
    );
    expect(told).toEqual([down, 'g']);
  });

  it('succeeds when the coordinator has already dropped it', async () => {
    const told: unknown[] = [];
    const { api, adapter, msg } = fixture({ onAbortFailed: (error) => told.push(error) });
    api.fail('abort', new DtmFailureError('failed already'));
    await expect(msg.add('http://b/in').doAndSubmit(adapter, () => Promise.reject(new Error('no')))).rejects.toThrow(
      'no',
    );
    expect(told).toEqual([]);
  });

  it('runs no local transaction when the prepare fails', async () => {
    const { api, adapter, rows, msg } = fixture();
    const down = new DtmConnectionError('down');
    api.fail('prepare', down);
    let ran = false;
    const work = async (): Promise<void> => void (ran = true);
    await expect(msg.add('http://b/in').doAndSubmit(adapter, work)).rejects.toBe(down);
    expect([ran, rows()]).toEqual([false, []]);
  });

  it('reports that the message will be delivered when the submit fails', async () => {
    const { api, adapter, rows, msg } = fixture();
    api.fail('submit', new DtmConnectionError('down'));
    const submitted = msg.add('http://b/in').doAndSubmit(adapter, async () => 1);
    await expect(submitted).rejects.toThrow(DtmOngoingError);
    await expect(submitted).rejects.toThrow(/committed, but the submit failed: down; the coordinator will ask/);
    expect(rows()).toEqual(['g/00/msg/01']);
    expect(api.log).toEqual(['prepare', 'submit']);
  });

  /** A database whose commit is carried out, or not, and whose answer is lost. */
  const cutOff = (isCommitted: boolean) => {
    const memory = memoryAdapter();
    let calls = 0;
    const transaction: BarrierAdapter<MemoryTransaction>['transaction'] = async (work) => {
      calls += 1;
      if (calls > 1) return memory.adapter.transaction(work);
      if (isCommitted) await memory.adapter.transaction(work);
      else await work({ rows: new Map() });
      throw new Error('connection lost');
    };
    return { ...memory, adapter: { ...memory.adapter, transaction } };
  };

  it('submits when the answer to the commit is lost and the transaction is committed', async () => {
    const { api, msg } = fixture();
    const { adapter } = cutOff(true);
    expect(await msg.add('http://b/in').doAndSubmit(adapter, async () => 'done')).toBe('done');
    expect(api.log).toEqual(['prepare', 'submit']);
  });

  it('drops when the answer to the commit is lost and the transaction is not committed', async () => {
    const { api, msg } = fixture();
    const { adapter, rows } = cutOff(false);
    await expect(msg.add('http://b/in').doAndSubmit(adapter, async () => 'done')).rejects.toThrow(DtmBarrierError);
    expect(api.log).toEqual(['prepare', 'abort']);
    expect(rows()).toEqual(['g/00/msg/01']);
  });

  it('leaves the decision to the coordinator when the outcome of the commit is unknown', async () => {
    const failing = { transaction: () => Promise.reject(new Error('database down')) };
    const { api, adapter, msg } = fixture(
      {},
      {
        transaction: async (work) => {
          await work({ rows: new Map() });
          adapter.transaction = failing.transaction;
          throw new Error('connection lost');
        },
      },
    );
    await expect(msg.add('http://b/in').doAndSubmit(adapter, async () => 1)).rejects.toThrow(/database down/);
    expect(api.log).toEqual(['prepare']);
  });

  it('submits what an earlier attempt committed, without running it again', async () => {
    const { api, adapter, dependencies, msg } = fixture();
    api.fail('submit', new DtmConnectionError('down'), undefined);
    await expect(msg.add('http://b/in').doAndSubmit(adapter, async () => 1)).rejects.toThrow(DtmOngoingError);
    let ran = false;
    const again = new Msg(dependencies, { gid: 'g' }).add('http://b/in');
    const repeated = again.doAndSubmit(adapter, async () => void (ran = true));
    await expect(repeated).rejects.toThrow(DtmDuplicatedError);
    await expect(repeated).rejects.toThrow(/committed before; the message is submitted/);
    expect(ran).toBe(false);
    expect(api.log).toEqual(['prepare', 'submit', 'prepare', 'submit']);
  });

  it('drops a message whose rollback was decided before', async () => {
    const { api, adapter, msg } = fixture();
    const row = { gid: 'g', transType: 'msg', branchId: '00', op: 'msg', barrierId: '01', reason: 'rollback' } as const;
    await adapter.transaction((tx) => adapter.insert(tx, row));
    await expect(msg.add('http://b/in').doAndSubmit(adapter, async () => 1)).rejects.toThrow(DtmDuplicatedError);
    expect(api.log).toEqual(['prepare', 'abort']);
  });
});

describe('join', () => {
  it("writes its row into the caller's transaction and prepares first", async () => {
    const { api, adapter, rows, msg } = fixture();
    msg.add('http://b/in');
    await adapter.transaction(async (tx) => {
      expect(await msg.join(adapter, tx)).toBe('g');
      expect(api.log).toEqual(['prepare']);
    });
    expect(rows()).toEqual(['g/00/msg/01']);
    await msg.submit();
    expect(api.log).toEqual(['prepare', 'submit']);
  });

  it('prepares once', async () => {
    const { api, adapter, msg } = fixture({ queryPrepared: QUERY });
    msg.add('http://b/in');
    await msg.prepare();
    await adapter.transaction((tx) => msg.join(adapter, tx));
    expect(api.log).toEqual(['prepare']);
  });
});

describe('what is refused before anything is sent', () => {
  it.each<[string, MsgOptions, RegExp]>([
    ['half a second', { delaySeconds: 0.5 }, /delaySeconds must be a whole number/],
    ['a negative delay', { delaySeconds: -1 }, /delaySeconds must be/],
    ['a URL to ask at that is none', { queryPrepared: 'query' }, /queryPrepared "query" is not a URL/],
    ['a gid with a semicolon', { gid: 'a;b' }, /gid /],
  ])('%s', (_, options, message) => {
    expect(() => fixture(options)).toThrow(DtmArgumentError);
    expect(() => fixture(options)).toThrow(message);
  });

  it('a message without steps, and a topic without a name', async () => {
    const { msg } = fixture();
    await expect(msg.submit()).rejects.toThrow(/needs at least one step/);
    expect(() => msg.addTopic('')).toThrow(/addTopic needs the name of a topic/);
  });

  it('a prepared message without queryPrepared', async () => {
    const msg = new Msg({ api: new ScriptedApi() }, { gid: 'g' }).add('http://b/in');
    await expect(msg.prepare()).rejects.toThrow(DtmConfigError);
    await expect(msg.doAndSubmit(memoryAdapter().adapter, async () => 1)).rejects.toThrow(
      /needs the option queryPrepared/,
    );
  });

  it('a concurrent message over an API that has no field for it', async () => {
    const { api, msg } = fixture({ concurrent: true });
    Object.assign(api, { protocol: 'grpc' });
    await expect(msg.add('http://b/in').submit()).rejects.toThrow(/cannot be concurrent over the gRPC API/);
  });
});
