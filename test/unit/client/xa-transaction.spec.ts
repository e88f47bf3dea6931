import { runXa, type InitiatorDependencies, type XaTransaction, type XaOptions } from 'nestjs-dtm/client';
import {
  DtmArgumentError,
  DtmBranchError,
  DtmConfigError,
  DtmFailureError,
  DtmOngoingError,
  DtmServerError,
} from 'nestjs-dtm/protocol';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { deferred } from '../../support/deferred.js';
import { ScriptedApi } from '../../support/scripted-api.js';
import { FAILURE, ONGOING, ScriptedTransport, UNKNOWN } from '../../support/scripted-transport.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const OUT = 'http://out/xa';
const IN = 'http://in/xa';

/** A coordinator and branches that write into one log. */
function fixture() {
  const log: string[] = [];
  const api = new ScriptedApi(log);
  const transport = new ScriptedTransport(new VirtualClock());
  const logged = {
    call: (call: Parameters<ScriptedTransport['call']>[0]) => {
      log.push(`${call.context.op} ${call.context.branchId}`);
      return transport.call(call);
    },
    close: () => transport.close(),
  };
  const dependencies: InitiatorDependencies = { api, transport: logged };
  const run = <T>(work: (xa: XaTransaction) => Promise<T> | T, options: XaOptions = {}) =>
    runXa(dependencies, work, { gid: 'g', ...options });
  return { log, api, transport, dependencies, run };
}

describe('an XA that succeeds', () => {
  it('is prepared, its branches are called and register themselves, then it is submitted', async () => {
    const { log, run } = fixture();
    const result = await run(async (xa) => {
      await xa.call(OUT, { amount: 30 });
      await xa.call(IN, { amount: 30 });
      return xa.gid;
    });
    expect(result).toBe('g');
    expect(log).toEqual(['prepare', 'action 01', 'action 02', 'submit']);
  });

  it('sends a branch the URLs of the second phase and of the coordinator', async () => {
    const { transport, run } = fixture();
    await run((xa) => xa.call(OUT, { amount: 30 }), { branchHeaders: { a: 'b' }, requestTimeoutSeconds: 7 });
    expect(transport.calls).toMatchObject([
      {
        url: OUT,
        context: {
          gid: 'g',
          transType: 'xa',
          branchId: '01',
          op: 'action',
          dtm: 'http://dtm:36789/api/dtmsvr',
          phase2Url: OUT,
        },
        payload: '{"amount":30}',
        headers: { a: 'b' },
        timeoutSeconds: 7,
      },
    ]);
  });

  it('sends its options with prepare and submit', async () => {
    const { api, run } = fixture();
    await run(() => undefined, { timeoutToFailSeconds: 60, onAbortFailed: () => undefined });
    const sent = { gid: 'g', transType: 'xa', timeoutToFailSeconds: 60 };
    expect(api.requests).toEqual([sent, sent]);
  });

  it('returns the answer of a branch', async () => {
    const { transport, run } = fixture();
    transport.answer('01 action', { kind: 'success', body: '{"balance":5}' });
    expect(await run((xa) => xa.call(OUT))).toEqual({ balance: 5 });
  });

  it('finds the URL of a branch that is named by code', async () => {
    const { dependencies, transport } = fixture();
    const locator = { getXaUrl: () => OUT } as unknown as InitiatorDependencies['locator'];
    await runXa({ ...dependencies, locator }, (xa) => xa.call({}, 1), { gid: 'g' });
    expect(transport.calls[0]).toMatchObject({ url: OUT, context: { phase2Url: OUT } });
    await expect(runXa(dependencies, (xa) => xa.call({}), { gid: 'g' })).rejects.toThrow(DtmConfigError);
  });
});

describe('an XA whose work fails', () => {
  it('is aborted with the reason, and throws the error unchanged', async () => {
    const { log, api, run } = fixture();
    const error = new Error('no stock');
    await expect(
      run(async (xa) => {
        await xa.call(OUT);
        throw error;
      }),
    ).rejects.toBe(error);
    expect(log).toEqual(['prepare', 'action 01', 'abort']);
    expect(api.requests.at(-1)).toEqual({ gid: 'g', transType: 'xa', rollbackReason: 'no stock' });
  });

  it.each([
    [FAILURE, DtmFailureError, 'refused'],
    [ONGOING, DtmOngoingError, 'not yet'],
    [UNKNOWN, DtmBranchError, `action of branch 01 at ${OUT}: status 500: boom`],
  ])('is aborted when a branch answers %j, even when the work swallows it', async (outcome, type, message) => {
    const { log, transport, run } = fixture();
    transport.answer('01 action', outcome);
    const error = await run((xa) => xa.call(OUT).catch(() => 'fine')).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({ message, gid: 'g' });
    expect(log.at(-1)).toBe('abort');
  });

  it('waits for calls that are still running before it is aborted', async () => {
    const { log, transport, run } = fixture();
    const held = transport.hold('01 action');
    const running = run((xa) => {
      void xa.call(OUT);
      throw new Error('no');
    });
    await held.arrived;
    expect(log).toEqual(['prepare', 'action 01']);
    held.answer({ kind: 'success', body: '' });
    await expect(running).rejects.toThrow('no');
    expect(log.at(-1)).toBe('abort');
  });

  it('reports that it could not be aborted, and throws the error of the work', async () => {
    const { api, run } = fixture();
    const failure = new DtmServerError('down');
    api.fail('abort', failure);
    const onAbortFailed = vi.fn();
    const work = (): never => {
      throw new Error('no');
    };
    await expect(run(work, { onAbortFailed })).rejects.toThrow('no');
    expect(onAbortFailed.mock.calls).toEqual([[failure, 'g']]);
  });

  it('emits a process warning for that by default', async () => {
    const { api, run } = fixture();
    api.fail('abort', new DtmServerError('down'));
    const warned = deferred<string>();
    const listen = (warning: Error): void => {
      if ((warning as { code?: string }).code === 'DTM_ABORT') warned.resolve(warning.message);
    };
    process.on('warning', listen);
    onTestFinished(() => void process.off('warning', listen));
    await expect(run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await warned.promise).toBe(
      'XA g could not be aborted: down; the coordinator rolls it back when the transaction times out',
    );
  });
});

describe('what an XA refuses', () => {
  it('a call after the work is over', async () => {
    const { log, run } = fixture();
    let late!: XaTransaction;
    await run((xa) => {
      late = xa;
    });
    await expect(late.call(OUT)).rejects.toThrow(/the work of this XA is over/);
    expect(log).toEqual(['prepare', 'submit']);
  });

  it.each(['', 'not a url', `${OUT}?gid=1`, `${OUT}?phase2_url=x`])(
    'the URL %j, before the branch is called',
    async (url) => {
      const { log, run } = fixture();
      await expect(run((xa) => xa.call(url))).rejects.toThrow(DtmArgumentError);
      expect(log).toEqual(['prepare', 'abort']);
    },
  );

  it('wrong options, before anything is sent', async () => {
    const { log, run } = fixture();
    await expect(run(() => 1, { timeoutToFailSeconds: -1 })).rejects.toThrow(DtmArgumentError);
    expect(log).toEqual([]);
  });
});
