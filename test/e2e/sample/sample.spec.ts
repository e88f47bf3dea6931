import { describe, expect, it, onTestFinished } from 'vitest';
import { startDtm } from '../../services/dtm.mjs';
import { freePorts } from '../../services/free-ports.mjs';
import { startPostgres } from '../../services/postgres.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { SampleProcess } from './sample-process.js';

const PROGRAM = 'sample/dist/main.js';

/** Runs the built sample as `npm start -- --once` does. */
async function runSample(env: Record<string, string> = {}): Promise<{ exitCode: number | string; output: string }> {
  const sample = new SampleProcess([PROGRAM, '--once'], env);
  return { exitCode: await sample.ended, output: sample.output };
}

/** Both lines of every transfer that is to succeed, the balances, and the states of the transactions. */
function expectTransfers(output: string, modes: readonly string[] = ['saga', 'tcc', 'msg']): void {
  const transfers = modes.length * 2;
  // the one that fails takes the money, too, and gives it back
  expect(output.match(/TransOut 30 from user 1$/gm), output).toHaveLength(transfers + 1);
  expect(output.match(/TransIn 30 to user 2$/gm)).toHaveLength(transfers);
  expect(output.match(/TransOut 30 from user 1 undone$/gm)).toHaveLength(1);
  const moved = 30 * transfers;
  expect(output).toMatch(new RegExp(`│ 1 +│ 10000 +│ ${10_000 - moved} +│ ${10_000 - moved} +│`));
  expect(output).toMatch(new RegExp(`│ 2 +│ 10000 +│ ${10_000 + moved} +│ ${10_000 + moved} +│`));
  for (const mode of modes)
    for (const protocol of ['http', 'grpc'])
      expect(output).toMatch(new RegExp(`'${mode} over ${protocol}' +│ '[^']+' +│ 'succeed'`));
  expect(output).toMatch(/'saga, receiver unknown' +│ '[^']+' +│ 'failed'/);
}

describe('the sample', () => {
  it('moves the money in every mode over every protocol on the embedded coordinator', async () => {
    const { exitCode, output } = await runSample();
    expectTransfers(output);
    expect(exitCode, output).toBe(0);
  });

  it('fails with exit code 1 when the coordinator cannot be reached', async () => {
    const { exitCode, output } = await runSample({ DTM_SERVER: 'http://127.0.0.1:1/api/dtmsvr' });
    expect(output).toContain('gave no answer');
    expect(exitCode).toBe(1);
  });

  it('moves money when it is asked, and says what is wrong with what it is asked', async () => {
    const [port, grpcPort] = await freePorts(2);
    const sample = new SampleProcess([PROGRAM], { PORT: String(port), GRPC_PORT: String(grpcPort) });
    await sample.says('try: curl');
    const url = `http://127.0.0.1:${port}`;
    const post = async (query: string, body = {}) => {
      const answer = await fetch(`${url}/transfer?${query}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    };
    const accounts = async (bank: string) => (await fetch(`${url}/${bank}/accounts`)).json();

    for (const mode of ['saga', 'tcc', 'msg'])
      for (const protocol of ['http', 'grpc'])
        expect(await post(`mode=${mode}&protocol=${protocol}`, { from: 1, to: 2, amount: 5 })).toEqual({
          status: 200,
          body: { gid: expect.any(String) as string, status: 'succeed' },
        });
    expect(await accounts('bank-out')).toEqual([{ userId: 1, balance: 10_000 - 180 - 30, frozen: 0 }]);
    expect(await accounts('bank-in')).toEqual([{ userId: 2, balance: 10_000 + 180 + 30, frozen: 0 }]);

    for (const mode of ['saga', 'tcc', 'msg'])
      expect((await post(`mode=${mode}`, { amount: 1_000_000 })).status, mode).toBe(409);
    expect(await post('mode=xa')).toMatchObject({
      status: 400,
      body: { message: expect.stringMatching(/SAMPLE_POSTGRES.*max_prepared_transactions above 0/) as string },
    });
    expect((await post('mode=2pc')).body).toMatchObject({ message: 'mode must be one of saga, tcc, msg, xa' });
    expect((await post('protocol=smtp')).body).toMatchObject({ message: 'protocol must be one of http, grpc' });
    expect((await post('mode=saga', { amount: -1 })).status).toBe(400);
    expect(await accounts('bank-out')).toEqual([{ userId: 1, balance: 9790, frozen: 0 }]);

    await sample.stop();
    await expect(fetch(url)).rejects.toThrow();
  });
});

const postgres = requireOrSkip('postgres');

describe.skipIf(!postgres.available)(postgres.title('the sample with SAMPLE_POSTGRES'), () => {
  it('moves the money by XA as well', async () => {
    const database = await startPostgres();
    onTestFinished(() => database.stop());
    const { exitCode, output } = await runSample({ SAMPLE_POSTGRES: database.url });
    expectTransfers(output, ['saga', 'tcc', 'msg', 'xa']);
    expect(exitCode, output).toBe(0);
  });
});

const dtm = requireOrSkip('dtm', 'postgres');

describe.skipIf(!dtm.available)(dtm.title('the sample on the real dtm'), () => {
  it.each([
    ['HTTP', ({ url }: { url: string }) => url],
    ['JSON-RPC', ({ httpPort }: { httpPort: number }) => `http://127.0.0.1:${httpPort}/api/json-rpc`],
    ['gRPC', ({ grpcPort }: { grpcPort: number }) => `127.0.0.1:${grpcPort}`],
  ] as const)(
    'moves the money all the same: the coordinator is exchanged by one option, by %s',
    async (_, addressOf) => {
      const [server, database] = await Promise.all([startDtm(), startPostgres()]);
      onTestFinished(async () => {
        await Promise.all([server.stop(), database.stop()]);
      });
      const { exitCode, output } = await runSample({
        DTM_SERVER: addressOf(server),
        SAMPLE_POSTGRES: database.url,
      });
      expectTransfers(output, ['saga', 'tcc', 'msg', 'xa']);
      expect(exitCode, output).toBe(0);
      const page = (await (await fetch(`${server.url}/all`)).json()) as { transactions: { status: string }[] };
      const statuses = page.transactions.map(({ status }) => status).toSorted();
      expect(statuses).toEqual(['failed', ...Array<string>(8).fill('succeed')]);
    },
  );
});
