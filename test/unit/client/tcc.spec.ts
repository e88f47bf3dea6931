import { nestedTcc, runTcc, type Tcc, type InitiatorDependencies, type TccOptions } from 'nestjs-dtm/client';
import {
  DtmArgumentError,
  DtmBranchError,
  DtmConfigError,
  DtmConnectionError,
  DtmFailureError,
  DtmOngoingError,
  DtmServerError,
} from 'nestjs-dtm/protocol';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { deferred } from '../../support/deferred.js';
import { ScriptedApi } from '../../support/scripted-api.js';
import { FAILURE, ONGOING, ScriptedTransport, SUCCESS, UNKNOWN } from '../../support/scripted-transport.js';
import { VirtualClock, settled } from '../../support/virtual-clock.js';

const OUT = { try: 'http://out/try', confirm: 'http://out/confirm', cancel: 'http://out/cancel' };
const IN = { try: 'http://in/try', confirm: 'http://in/confirm', cancel: 'http://in/cancel' };

/** A coordinator and branches that write into one log. */
function fixture() {
  const log: string[] = [];
  const api = new ScriptedApi(log);
  const transport = new ScriptedTransport(new VirtualClock());
  const logged = {
    call: (call: Parameters<ScriptedTransport['call']>[0]) => {
      log.push(`try ${call.context.branchId}`);
      return transport.call(call);
    },
    close: () => transport.close(),
  };
  const dependencies: InitiatorDependencies = { api, transport: logged };
  const run = <T>(work: (tcc: Tcc) => Promise<T> | T, options: TccOptions = {}) =>
    runTcc(dependencies, work, { gid: 'g', ...options });
  return { log, api, transport, dependencies, run };
}

describe('a TCC that succeeds', () => {
  it('is prepared, each branch is registered before its try, then it is submitted', async () => {
    const { log, run } = fixture();
    const result = await run(async (tcc) => {
      await tcc.call(OUT, { amount: 30 });
      await tcc.call(IN, { amount: 30 });
      return tcc.gid;
    });
    expect(result).toBe('g');
    expect(log).toEqual(['prepare', 'registerBranch 01', 'try 01', 'registerBranch 02', 'try 02', 'submit']);
  });

  it('registers confirm and cancel with the payload, and calls the try with context, payload and options', async () => {
    const { api, transport, run } = fixture();
    await run((tcc) => tcc.call(OUT, { amount: 30 }), { branchHeaders: { a: 'b' }, requestTimeoutSeconds: 7 });
    expect(api.branches).toEqual([
      {
        gid: 'g',
        transType: 'tcc',
        branchId: '01',
        payload: '{"amount":30}',
        confirm: OUT.confirm,
        cancel: OUT.cancel,
      },
    ]);
    expect(transport.calls).toMatchObject([
      {
        url: OUT.try,
        context: { gid: 'g', transType: 'tcc', branchId: '01', op: 'try', dtm: undefined },
        payload: '{"amount":30}',
        headers: { a: 'b' },
        timeoutSeconds: 7,
      },
    ]);
  });

  it('tells a try over HTTP where the coordinator is on demand only, and every try over gRPC', async () => {
    const { api, transport, run } = fixture();
    await run((tcc) => tcc.call(OUT));
    await run((tcc) => tcc.call(OUT), { sendCoordinator: true });
    const urls = { try: 'bank:1/b.B/Out', confirm: '', cancel: '' };
    await run((tcc) => tcc.call(urls, new Uint8Array()), { protocol: 'grpc' });
    const address = 'http://dtm:36789/api/dtmsvr';
    expect(transport.calls.map(({ context }) => context.dtm)).toEqual([undefined, address, address]);
    for (const request of api.requests) expect(request).not.toHaveProperty('sendCoordinator');
  });

  it('sends its options with prepare and submit, but not its callbacks', async () => {
    const { api, run } = fixture();
    await run(() => undefined, { timeoutToFailSeconds: 60, retryIntervalSeconds: 2, onAbortFailed: () => undefined });
    const sent = { gid: 'g', transType: 'tcc', timeoutToFailSeconds: 60, retryIntervalSeconds: 2 };
    expect(api.requests).toEqual([sent, sent]);
  });

  it('gets its gid from the coordinator unless the options have one', async () => {
    const { log, dependencies } = fixture();
    expect(await runTcc(dependencies, (tcc) => tcc.gid)).toBe('gid1');
    expect(log).toEqual(['newGid', 'prepare', 'submit']);
  });

  it.each<[string, unknown]>([
    ['{"balance":5}', { balance: 5 }],
    ['null', null],
    ['plain text', 'plain text'],
    ['', undefined],
    ['{"dtm_result":"SUCCESS"}', undefined],
    ['{"dtm_result": "SUCCESS"}\n', undefined],
    ['{"dtm_result":"SUCCESS","gid":null}', undefined],
    ['{"dtm_result":"SUCCESS","balance":5}', { dtm_result: 'SUCCESS', balance: 5 }],
  ])('returns the answer of a try: %j', async (body, expected) => {
    const { transport, run } = fixture();
    transport.answer('01 try', { kind: 'success', body });
    expect(await run((tcc) => tcc.call(OUT))).toEqual(expected);
  });

  it('waits for a try of a few seconds by default', async () => {
    const { transport, run } = fixture();
    await run((tcc) => tcc.call(OUT));
    expect(transport.calls[0]).toMatchObject({ payload: '', timeoutSeconds: 3 });
  });

  it('can have a branch without confirm', async () => {
    const { api, run } = fixture();
    await run((tcc) => tcc.call({ ...OUT, confirm: '' }));
    expect(api.branches).toMatchObject([{ confirm: '', cancel: OUT.cancel }]);
  });
});

describe('a TCC whose work fails', () => {
  it('is aborted with the reason, and throws the error unchanged', async () => {
    const { log, api, run } = fixture();
    const error = new Error('no stock');
    const work = async (tcc: Tcc): Promise<never> => {
      await tcc.call(OUT);
      throw error;
    };
    await expect(run(work)).rejects.toBe(error);
    expect(log).toEqual(['prepare', 'registerBranch 01', 'try 01', 'abort']);
    expect(api.requests.at(-1)).toEqual({ gid: 'g', transType: 'tcc', rollbackReason: 'no stock' });
  });

  it('is aborted when the work throws synchronously, and for any thrown value', async () => {
    const { api, run } = fixture();
    const work = (): never => {
      // oxlint-disable-next-line typescript/only-throw-error -- user code may
      throw 'a text';
    };
    await expect(run(work)).rejects.toBe('a text');
    expect(api.requests.at(-1)).toMatchObject({ rollbackReason: 'a text' });
  });

  it.each([
    [FAILURE, DtmFailureError, 'refused'],
    [ONGOING, DtmOngoingError, 'not yet'],
    [UNKNOWN, DtmBranchError, 'try of branch 01 at http://out/try: status 500: boom'],
  ])('is aborted when a try answers %j', async (outcome, type, message) => {
    const { log, transport, run } = fixture();
    transport.answer('01 try', outcome);
    const error = await run((tcc) => tcc.call(OUT)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({ message, gid: 'g' });
    expect(log.at(-1)).toBe('abort');
  });

  it('tells the coordinator which tries were refused before they were executed', async () => {
    const { api, transport, run } = fixture();
    transport.answer('01 try', SUCCESS).answer('02 try', { kind: 'failure', message: 'refused', notExecuted: true });
    const work = async (tcc: Tcc): Promise<void> => {
      await tcc.call(OUT);
      await tcc.call(IN);
    };
    await expect(run(work)).rejects.toThrow(DtmFailureError);
    expect(api.requests.at(-1)).toEqual({
      gid: 'g',
      transType: 'tcc',
      rollbackReason: 'refused',
      reqExtra: { not_executed: '["02"]' },
    });
  });

  it('tells the coordinator which nested tries were refused, of those that the failed try may have called', async () => {
    const { api, transport, run } = fixture();
    const notExecuted = ['0101', '0203', '01', '', '010101'];
    transport.answer('01 try', { kind: 'failure', message: 'refused', notExecuted });
    await expect(run((tcc) => tcc.call(OUT))).rejects.toThrow(DtmFailureError);
    expect(api.requests.at(-1)).toMatchObject({ reqExtra: { not_executed: '["0101","010101"]' } });
  });

  it('does not call a try whose branch could not be registered', async () => {
    const { log, api, run } = fixture();
    const refusal = new DtmFailureError('no trans with gid');
    api.fail('registerBranch', refusal);
    await expect(run((tcc) => tcc.call(OUT))).rejects.toBe(refusal);
    expect(log).toEqual(['prepare', 'registerBranch 01', 'abort']);
  });

  it('is aborted even when the work swallows the failure of a try: that branch would be confirmed', async () => {
    const { log, transport, run } = fixture();
    transport.answer('01 try', FAILURE);
    const work = async (tcc: Tcc): Promise<string> => {
      await tcc.call(OUT).catch(() => undefined);
      await tcc.call(IN);
      return 'fine';
    };
    await expect(run(work)).rejects.toThrow('refused');
    expect(log.at(-1)).toBe('abort');
    expect(log).not.toContain('submit');
  });

  it('reports a failing abort, and throws the error of the work', async () => {
    const { api, run } = fixture();
    const [error, down] = [new Error('no stock'), new DtmConnectionError('down')];
    api.fail('abort', down);
    const onAbortFailed = vi.fn<(failure: unknown, gid: string) => void>();
    await expect(run(() => Promise.reject(error), { onAbortFailed })).rejects.toBe(error);
    expect(onAbortFailed).toHaveBeenCalledExactlyOnceWith(down, 'g');
  });

  it('emits a process warning for a failing abort by default', async () => {
    const { api, run } = fixture();
    api.fail('abort', new DtmConnectionError('down'));
    const warned = deferred<Error>();
    const listener = (warning: Error): void => {
      if ((warning as { code?: string }).code === 'DTM_ABORT') warned.resolve(warning);
    };
    process.on('warning', listener);
    onTestFinished(() => void process.off('warning', listener));
    await expect(run(() => Promise.reject(new Error('no stock')))).rejects.toThrow('no stock');
    expect((await warned.promise).message).toContain('TCC g could not be aborted: down');
  });
});

describe('calls that the work does not await', () => {
  it('are waited for before the submit', async () => {
    const { log, transport, run } = fixture();
    const held = transport.hold('01 try');
    const running = run((tcc) => {
      void tcc.call(OUT);
      return 'early';
    });
    await held.arrived;
    await settled();
    expect(log).toEqual(['prepare', 'registerBranch 01', 'try 01']);
    held.answer(SUCCESS);
    expect(await running).toBe('early');
    expect(log.at(-1)).toBe('submit');
  });

  it('are waited for too when one call starts another', async () => {
    const { log, run } = fixture();
    await run((tcc) => void tcc.call(OUT).then(() => tcc.call(IN)));
    expect(log).toEqual(['prepare', 'registerBranch 01', 'try 01', 'registerBranch 02', 'try 02', 'submit']);
  });

  it('abort the transaction when one of them fails', async () => {
    const { log, transport, run } = fixture();
    transport.answer('01 try', FAILURE);
    await expect(run((tcc) => void tcc.call(OUT))).rejects.toThrow('refused');
    expect(log.at(-1)).toBe('abort');
  });

  it('are waited for before the abort: a try must not overtake its cancel', async () => {
    const { log, transport, run } = fixture();
    const held = transport.hold('01 try');
    const running = run(async (tcc) => {
      void tcc.call(OUT);
      throw new Error('no stock');
    });
    await held.arrived;
    await settled();
    expect(log).not.toContain('abort');
    held.answer(SUCCESS);
    await expect(running).rejects.toThrow('no stock');
    expect(log.at(-1)).toBe('abort');
  });

  it('that come after the work are refused: the branch could be confirmed during its try', async () => {
    const { log, run } = fixture();
    let late!: Tcc;
    await run((tcc) => {
      late = tcc;
    });
    await expect(late.call(OUT)).rejects.toThrow(/work of this TCC is over/);
    expect(log).toEqual(['prepare', 'submit']);
  });

  it('at the same time have ids in the order of the calls', async () => {
    const { api, run } = fixture();
    await run((tcc) => Promise.all([tcc.call(OUT), tcc.call(IN), tcc.call(OUT)]));
    expect(api.branches).toMatchObject([
      { branchId: '01', confirm: OUT.confirm },
      { branchId: '02', confirm: IN.confirm },
      { branchId: '03', confirm: OUT.confirm },
    ]);
  });
});

describe('a coordinator that refuses or fails', () => {
  it('that refuses the prepare prevents the work and the abort', async () => {
    const { log, api, run } = fixture();
    const refusal = new DtmFailureError('in use');
    api.fail('prepare', refusal);
    const work = vi.fn<() => void>();
    await expect(run(work)).rejects.toBe(refusal);
    expect(work).not.toHaveBeenCalled();
    expect(log).toEqual(['prepare']);
  });

  it.each([
    new DtmFailureError('rolled back meanwhile'),
    new DtmServerError('boom'),
    new DtmConnectionError('no answer'),
  ])('whose answer to submit is %s leaves the decision to the coordinator: no abort', async (error) => {
    const { log, api, run } = fixture();
    api.fail('submit', error);
    await expect(run((tcc) => tcc.call(OUT))).rejects.toBe(error);
    expect(log).toContain('submit');
    expect(log).not.toContain('abort');
  });
});

describe('what is refused before anything is sent', () => {
  it.each<[string, TccOptions, RegExp]>([
    ['a gid that is not allowed', { gid: ' a' }, /gid /],
    ['a time that is not allowed', { timeoutToFailSeconds: -1 }, /timeoutToFailSeconds/],
    ['a header that is not allowed', { branchHeaders: { 'a:': 'b' } }, /branch header/],
  ])('%s', async (_, options, message) => {
    const { log, run } = fixture();
    await expect(run(() => undefined, options)).rejects.toThrow(message);
    expect(log).toEqual([]);
  });

  it.each<[string, Partial<typeof OUT>, unknown, RegExp]>([
    ['a branch without a try', { try: '' }, {}, /try "" is not a URL/],
    ['a confirm that is no URL', { confirm: 'yes' }, {}, /confirm "yes" is not a URL/],
    ['a cancel with a parameter of dtm', { cancel: 'http://out/c?op=1' }, {}, /query parameter op/],
    ['a payload that JSON cannot hold', {}, { f: () => 1 }, /"f" is a function/],
  ])('%s: neither registered nor tried', async (_, urls, payload, message) => {
    const { log, run } = fixture();
    await expect(run((tcc) => tcc.call({ ...OUT, ...urls }, payload))).rejects.toThrow(message);
    expect(log).toEqual(['prepare', 'abort']);
  });

  it('a branch named by code without a locator', async () => {
    const { run } = fixture();
    await expect(run((tcc) => tcc.call({}, 1))).rejects.toThrow(DtmConfigError);
  });

  it('the 100th branch', async () => {
    const { api, run } = fixture();
    const work = async (tcc: Tcc): Promise<void> => {
      for (let count = 0; count < 100; count++) await tcc.call(OUT);
    };
    await expect(run(work)).rejects.toThrow('the branch cannot be added: a parent has at most 99 branches');
    expect(api.branches).toHaveLength(99);
  });
});

describe('a nested TCC', () => {
  const context = { gid: 'outer', transType: 'tcc', branchId: '02', op: 'try', dtm: 'http://evil/api' } as const;

  it('adds children of its branch to the same transaction, and leaves the decision to the initiator', async () => {
    const { log, api, transport, dependencies } = fixture();
    const tcc = nestedTcc(dependencies, context);
    await tcc.call(OUT, { amount: 1 });
    await tcc.call(IN);
    await tcc.waitForCalls();
    expect(log).toEqual(['registerBranch 0201', 'try 0201', 'registerBranch 0202', 'try 0202']);
    expect(api.branches[0]).toMatchObject({ gid: 'outer', branchId: '0201' });
    expect(transport.calls[0]!.context).toMatchObject({ gid: 'outer', branchId: '0201', op: 'try' });
  });

  it("registers at the application's own coordinator, never at the address in the request", async () => {
    const { transport, dependencies } = fixture();
    await nestedTcc(dependencies, context, { sendCoordinator: true }).call(OUT);
    expect(transport.calls[0]!.context.dtm).toBe('http://dtm:36789/api/dtmsvr');
  });

  it('reports a swallowed failure to its branch in waitForCalls()', async () => {
    const { transport, dependencies } = fixture();
    transport.answer('0201 try', FAILURE);
    const tcc = nestedTcc(dependencies, context);
    await tcc.call(OUT).catch(() => undefined);
    await expect(tcc.waitForCalls()).rejects.toThrow('refused');
  });

  it.each([{ op: 'confirm' }, { op: 'cancel' }, { transType: 'saga', op: 'action' }] as const)(
    'starts in a try only, not in %j',
    (change) => {
      const { dependencies } = fixture();
      expect(() => nestedTcc(dependencies, { ...context, ...change })).toThrow(DtmArgumentError);
    },
  );

  it('is refused when the branch ids become too long', async () => {
    const { dependencies } = fixture();
    const deep = nestedTcc(dependencies, { ...context, branchId: '01'.repeat(10) });
    await expect(deep.call(OUT)).rejects.toThrow('the branch cannot be added: the id of its parent has 20 characters');
  });
});
