import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startDtm } from '../../services/dtm.mjs';
import { freePorts } from '../../services/free-ports.mjs';
import { startPostgres } from '../../services/postgres.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { ServeProcess } from '../cli/serve-process.js';
import { SampleProcess } from './sample-process.js';

const readme = readFileSync(new URL('../../../sample/src/two-banks/README.md', import.meta.url), 'utf8');

/** The programs in the start order of the README. */
const programs = [...readme.matchAll(/^node (sample\/dist\/\S+)$/gm)].map(([, program = '']) => program);

/** Starts the banks, runs the initiator and stops everything. */
async function runTwoBanks(modes: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  const [bankOutPort, bankOutGrpcPort, bankInPort, bankInGrpcPort] = (await freePorts(4)).map(String) as [
    string,
    string,
    string,
    string,
  ];
  const all = {
    ...env,
    BANK_OUT_PORT: bankOutPort,
    BANK_OUT_GRPC_PORT: bankOutGrpcPort,
    BANK_IN_PORT: bankInPort,
    BANK_IN_GRPC_PORT: bankInGrpcPort,
  };
  const [bankOut, bankIn] = [new SampleProcess([programs[0]!], all), new SampleProcess([programs[1]!], all)];
  await Promise.all([bankOut.waitForOutput('listening on'), bankIn.waitForOutput('listening on')]);

  const initiator = new SampleProcess([programs[2]!], all);
  expect(await initiator.ended, initiator.output).toBe(0);
  for (const mode of modes) expect(initiator.output).toContain(`${mode} over ${env['PROTOCOL']}: succeed`);
  expect(initiator.output).toContain(`saga, receiver unknown over ${env['PROTOCOL']}: failed`);

  // the failing saga takes the money as well and gives it back
  expect(bankOut.output.match(/TransOut 30 from user 1$/gm)).toHaveLength(modes.length + 1);
  expect(bankOut.output.match(/TransOut 30 from user 1 undone$/gm)).toHaveLength(1);
  expect(bankIn.output.match(/TransIn 30 to user 2$/gm)).toHaveLength(modes.length);
  const urls = [`http://127.0.0.1:${bankOutPort}/bank-out/accounts`, `http://127.0.0.1:${bankInPort}/bank-in/accounts`];
  const [out, into] = await Promise.all(urls.map(async (url) => (await fetch(url)).json()));
  const moved = 30 * modes.length;
  expect(out).toEqual([{ userId: 1, balance: 10_000 - moved, frozen: 0 }]);
  expect(into).toEqual([{ userId: 2, balance: 10_000 + moved, frozen: 0 }]);

  expect(await Promise.all([bankOut.stop(), bankIn.stop()])).toEqual(['SIGTERM', 'SIGTERM']);
  for (const url of urls) await expect(fetch(url)).rejects.toThrow();
}

/** Address of the coordinator for a protocol. */
const serverOf = (protocol: string, serve: ServeProcess) =>
  protocol === 'grpc' ? serve.row('gRPC') : new URL(serve.base).origin;

describe('the two-banks sample', () => {
  it('has its programs in the README', () => {
    expect(programs).toEqual(['bank-out', 'bank-in', 'initiator'].map((name) => `sample/dist/two-banks/${name}.js`));
  });

  it('has an initiator that leaves transactions with a stopped bank to the coordinator', async () => {
    const serve = await ServeProcess.start();
    const [bankOutPort, bankOutGrpcPort, stoppedPort] = (await freePorts(3)).map(String) as [string, string, string];
    const env = {
      DTM_SERVER: serverOf('http', serve),
      BANK_OUT_PORT: bankOutPort,
      BANK_OUT_GRPC_PORT: bankOutGrpcPort,
      BANK_IN_PORT: stoppedPort,
    };
    await new SampleProcess([programs[0]!], env).waitForOutput('listening on');
    const initiator = new SampleProcess([programs[2]!], env);
    expect(await initiator.ended, initiator.output).toBe(0);
    expect(initiator.output).toContain('saga over http: not finished, the coordinator continues');
    expect(initiator.output).toContain('tcc over http: failed');
  });

  it.each(['http', 'grpc'])('moves the money over %s with npx nestjs-dtm serve', async (protocol) => {
    const serve = await ServeProcess.start();
    await runTwoBanks(['saga', 'tcc'], { PROTOCOL: protocol, DTM_SERVER: serverOf(protocol, serve) });
    expect(await serve.stop()).toBe(0);
  });
});

const postgres = requireOrSkip('postgres');

describe.skipIf(!postgres.available)(postgres.title('the two-banks sample with SAMPLE_POSTGRES'), () => {
  it.each(['http', 'grpc'])('also moves the money by XA, over %s', async (protocol) => {
    const [serve, database] = await Promise.all([ServeProcess.start(), startPostgres()]);
    onTestFinished(() => database.stop());
    const env = { PROTOCOL: protocol, DTM_SERVER: serverOf(protocol, serve), SAMPLE_POSTGRES: database.url };
    await runTwoBanks(['saga', 'tcc', 'xa'], env);
    expect(await serve.stop()).toBe(0);
  });
});

const dtm = requireOrSkip('dtm', 'postgres');

describe.skipIf(!dtm.available)(dtm.title('the two-banks sample on the real dtm'), () => {
  it.each(['http', 'grpc'])('moves the money over %s', async (protocol) => {
    const [server, database] = await Promise.all([startDtm(), startPostgres()]);
    onTestFinished(async () => {
      await Promise.all([server.stop(), database.stop()]);
    });
    const http = `http://${server.host}:${server.httpPort}`;
    const addresses: Record<string, string> =
      protocol === 'grpc' ? { DTM_SERVER: `${server.host}:${server.grpcPort}`, DTM_HTTP: http } : { DTM_SERVER: http };
    await runTwoBanks(['saga', 'tcc', 'xa'], {
      PROTOCOL: protocol,
      ...addresses,
      SAMPLE_POSTGRES: database.url,
    });
  });
});
