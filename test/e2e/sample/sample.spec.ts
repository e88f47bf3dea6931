import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startDtm } from '../../services/dtm.mjs';
import { freePorts } from '../../services/free-ports.mjs';
import { startPostgres } from '../../services/postgres.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { ServeProcess } from '../cli/serve-process.js';
import { SampleProcess } from './sample-process.js';

const PROGRAM = 'sample/dist/main.js';

/** Runs the built sample as `npm start -- --once` does. */
async function runSample(env: Record<string, string> = {}): Promise<{ exitCode: number | string; output: string }> {
  const sample = new SampleProcess([PROGRAM, '--once'], env);
  return { exitCode: await sample.ended, output: sample.output };
}

/** Checks the lines of every transfer, and the balances. */
function expectMoney(output: string, transfers: number): void {
  // the failing saga takes the money as well and gives it back
  expect(output.match(/TransOut 30 from user 1$/gm), output).toHaveLength(transfers + 1);
  expect(output.match(/TransIn 30 to user 2$/gm)).toHaveLength(transfers);
  expect(output.match(/TransOut 30 from user 1 undone$/gm)).toHaveLength(1);
  const moved = 30 * transfers;
  expect(output).toMatch(new RegExp(`│ 1 +│ 10000 +│ ${10_000 - moved} +│ ${10_000 - moved} +│`));
  expect(output).toMatch(new RegExp(`│ 2 +│ 10000 +│ ${10_000 + moved} +│ ${10_000 + moved} +│`));
}

const REMOTE = ['over http', 'over grpc'];
const EMBEDDED = ['in-process', ...REMOTE];

/** Checks the money and the states of the transactions. */
function expectTransfers(output: string, routes = REMOTE, modes: readonly string[] = ['saga', 'tcc', 'msg']): void {
  expectMoney(output, modes.length * routes.length);
  for (const mode of modes)
    for (const route of routes) expect(output).toMatch(new RegExp(`'${mode} ${route}' +│ '[^']+' +│ 'succeed'`));
  expect(output).toMatch(/'saga, receiver unknown' +│ '[^']+' +│ 'failed'/);
}

describe('the sample', () => {
  it('moves the money in every mode over every protocol on the embedded coordinator', async () => {
    const { exitCode, output } = await runSample();
    expectTransfers(output, EMBEDDED);
    expect(exitCode, output).toBe(0);
  });

  it('fails with exit code 1 when the coordinator is unreachable', async () => {
    const { exitCode, output } = await runSample({ DTM_SERVER: 'http://127.0.0.1:1/api/dtmsvr' });
    expect(output).toContain('gave no answer');
    expect(exitCode).toBe(1);
  });

  it('transfers money on request and explains invalid requests', async () => {
    const [port, grpcPort] = await freePorts(2);
    const sample = new SampleProcess([PROGRAM], { PORT: String(port), GRPC_PORT: String(grpcPort) });
    await sample.waitForOutput('try: curl');
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
      for (const over of ['in-process', 'http', 'grpc'])
        expect(await post(`mode=${mode}&over=${over}`, { from: 1, to: 2, amount: 5 })).toEqual({
          status: 200,
          body: { gid: expect.any(String) as string, status: 'succeed' },
        });
    expect(await accounts('bank-out')).toEqual([{ userId: 1, balance: 10_000 - 270 - 45, frozen: 0 }]);
    expect(await accounts('bank-in')).toEqual([{ userId: 2, balance: 10_000 + 270 + 45, frozen: 0 }]);

    for (const mode of ['saga', 'tcc', 'msg'])
      expect((await post(`mode=${mode}`, { amount: 1_000_000 })).status, mode).toBe(409);
    expect(await post('mode=xa')).toMatchObject({
      status: 400,
      body: { message: expect.stringMatching(/SAMPLE_POSTGRES.*max_prepared_transactions above 0/) as string },
    });
    expect((await post('mode=2pc')).body).toMatchObject({ message: 'mode must be one of saga, tcc, msg, xa' });
    expect((await post('over=smtp')).body).toMatchObject({ message: 'over must be one of in-process, http, grpc' });
    expect((await post('mode=saga', { amount: -1 })).status).toBe(400);
    expect(await accounts('bank-out')).toEqual([{ userId: 1, balance: 9685, frozen: 0 }]);

    await sample.stop();
    await expect(fetch(url)).rejects.toThrow();
  });
});

const postgres = requireOrSkip('postgres');

describe.skipIf(!postgres.available)(postgres.title('the sample with SAMPLE_POSTGRES'), () => {
  it('also moves the money by XA', async () => {
    const database = await startPostgres();
    onTestFinished(() => database.stop());
    const { exitCode, output } = await runSample({ SAMPLE_POSTGRES: database.url });
    expectTransfers(output, EMBEDDED, ['saga', 'tcc', 'msg', 'xa']);
    expect(exitCode, output).toBe(0);
  });
});

describe('the sample with nestjs-dtm serve', () => {
  it('finds the coordinator by dtm-driver-protocol1', async () => {
    const driver = 'dtm-driver-protocol1';
    const serve = await ServeProcess.start({ env: { MICRO_SERVICE_DRIVER: driver } });
    const { exitCode, output } = await runSample({
      DTM_DRIVER: driver,
      DTM_SERVER: `protocol1://${serve.row('gRPC')}`,
    });
    expectTransfers(output);
    expect(exitCode, output).toBe(0);
    expect(await serve.stop()).toBe(0);
  });
});

const dtm = requireOrSkip('dtm', 'postgres');

describe.skipIf(!dtm.available)(dtm.title('the sample on the real dtm'), () => {
  it.each(['HTTP', 'JSON-RPC', 'gRPC'])('moves the money over its %s API', async (api) => {
    const [server, database] = await Promise.all([startDtm(), startPostgres()]);
    onTestFinished(async () => {
      await Promise.all([server.stop(), database.stop()]);
    });
    const { host, httpPort, grpcPort, url } = server;
    const addresses: Record<string, Record<string, string>> = {
      HTTP: { DTM_SERVER: url },
      'JSON-RPC': { DTM_SERVER: `http://${host}:${httpPort}/api/json-rpc` },
      gRPC: { DTM_SERVER: `${host}:${grpcPort}`, DTM_HTTP: url },
    };
    const { exitCode, output } = await runSample({ ...addresses[api], SAMPLE_POSTGRES: database.url });
    expectTransfers(output, REMOTE, ['saga', 'tcc', 'msg', 'xa']);
    expect(exitCode, output).toBe(0);
    const page = (await (await fetch(`${url}/all`)).json()) as { transactions: { status: string }[] };
    const statuses = page.transactions.map(({ status }) => status).toSorted();
    expect(statuses).toEqual(['failed', ...Array<string>(8).fill('succeed')]);
  });
});

const protocol1 = requireOrSkip('dtm-protocol1');

describe.skipIf(!protocol1.available)(protocol1.title('the sample on the real dtm with dtm-driver-protocol1'), () => {
  it('moves the money and reports an unknown state as "not known"', async () => {
    const driver = 'dtm-driver-protocol1';
    const server = await startDtm({
      build: 'dtm-protocol1',
      env: { LOG_LEVEL: 'debug', MICRO_SERVICE_DRIVER: driver },
    });
    onTestFinished(() => server.stop());
    const { exitCode, output } = await runSample({
      DTM_DRIVER: driver,
      DTM_SERVER: `protocol1://${server.host}:${server.grpcPort}`,
    });
    expect(readFileSync(server.logFile, 'utf8')).toContain('/dtmgimp.Dtm/NewGid');
    expectMoney(output, 6);
    expect(output).toMatch(/'saga, receiver unknown' +│ '[^']+' +│ 'not known'/);
    expect(exitCode, output).toBe(1);
  });
});
