import {
  Saga,
  branchTransport,
  dtmGrpcClient,
  dtmHttpClient,
  runTcc,
  dtmClient,
  type DtmGrpcClientOptions,
} from 'nestjs-dtm/client';
import {
  DtmArgumentError,
  DtmConfigError,
  DtmConnectionError,
  DtmOngoingError,
  DtmServerError,
  type DtmConnection,
} from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore, type EmbeddedServer } from 'nestjs-dtm/server';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { protocol1Driver } from '../../../lib/driver/index.js';
import { startDtm } from '../../services/dtm.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import {
  hasOpenssl,
  createAuthority,
  type CertificateAuthority,
  type Certificate,
} from '../../support/certificates.js';
import { deferred } from '../../support/deferred.js';
import { Participant } from '../../support/participant.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { startTlsProxy } from '../../support/tls-proxy.js';
import { waitUntil } from '../../support/wait-until.js';

// what hangs fails soon
vi.setConfig({ testTimeout: 20_000, hookTimeout: 60_000 });

async function startOurs(grpcPort = 0): Promise<EmbeddedServer> {
  const embedded = embeddedServer({
    store: memoryStore(),
    logger: new RecordingLogger(),
    listen: { port: 0, grpcPort },
  });
  await embedded.open();
  embedded.recover();
  onTestFinished(() => embedded.close());
  return embedded;
}

function clientOf(url: string, options: DtmGrpcClientOptions = {}): DtmConnection {
  const server = dtmGrpcClient(url, options);
  onTestFinished(() => server.close());
  return server;
}

async function errorOf(operation: Promise<unknown>): Promise<Error> {
  return operation.then(
    () => new Error('nothing was thrown'),
    (error: unknown) => error as Error,
  );
}

const openssl = hasOpenssl();

describe.skipIf(!openssl)(`a coordinator behind TLS${openssl ? '' : ' (needs the program openssl)'}`, () => {
  let authority: CertificateAuthority;
  let local: Certificate;
  let dtm: EmbeddedServer;

  beforeAll(() => {
    authority = createAuthority();
    local = authority.sign('DNS:localhost', 'IP:127.0.0.1');
  });
  beforeEach(async () => {
    dtm = await startOurs();
  });

  it('is reached when its authority is trusted', async () => {
    const port = await startTlsProxy(dtm.grpcAddress!, local);
    const server = clientOf(`grpcs://localhost:${port}`, { tls: { ca: authority.ca } });
    expect(await server.newGid()).toMatch(/./);
    expect(await server.version()).toMatch(/^v/);
    // certificates may be bytes, and the scheme may be left out beside them
    const plain = clientOf(`localhost:${port}`, { tls: { ca: Buffer.from(authority.ca) } });
    expect(await plain.newGid()).toMatch(/./);
  });

  it.each<[string, DtmGrpcClientOptions]>([
    ['whose authority is unknown', {}],
    ['whose authority is another one', { tls: { ca: '' } }],
  ])('is refused %s', async (_, options) => {
    const port = await startTlsProxy(dtm.grpcAddress!, local);
    const other = { ...options, ...(options.tls && { tls: { ca: createAuthority().ca } }) };
    const error = await errorOf(clientOf(`grpcs://localhost:${port}`, { ...other, timeoutSeconds: 5 }).newGid());
    expect(error).toBeInstanceOf(DtmConnectionError);
    expect(error.message).toMatch(/certificate/i);
  });

  it('is refused when its certificate is for another name, unless that name is set', async () => {
    const port = await startTlsProxy(dtm.grpcAddress!, authority.sign('DNS:dtm.example'));
    const tls = { ca: authority.ca };
    const url = `grpcs://localhost:${port}`;
    expect(await errorOf(clientOf(url, { tls, timeoutSeconds: 5 }).newGid())).toBeInstanceOf(DtmConnectionError);
    expect(await clientOf(url, { tls: { ...tls, serverName: 'dtm.example' } }).newGid()).toMatch(/./);
  });

  it('that requires a certificate receives that of the client', async () => {
    const demanding = { ...local, ca: authority.ca, requestCert: true, rejectUnauthorized: true };
    const port = await startTlsProxy(dtm.grpcAddress!, demanding);
    const url = `grpcs://localhost:${port}`;
    const own = authority.sign('DNS:initiator');
    expect(await clientOf(url, { tls: { ca: authority.ca, ...own } }).newGid()).toMatch(/./);
    const without = clientOf(url, { tls: { ca: authority.ca }, timeoutSeconds: 5 });
    expect(await errorOf(without.newGid())).toBeInstanceOf(DtmConnectionError);
  });

  it('cannot be reached without TLS', async () => {
    const port = await startTlsProxy(dtm.grpcAddress!, local);
    const error = await errorOf(clientOf(`grpc://localhost:${port}`, { timeoutSeconds: 2 }).newGid());
    expect(error).toBeInstanceOf(DtmConnectionError);
  });
});

describe('a coordinator', () => {
  it('that was restarted is found again', async () => {
    const first = await startOurs();
    const address = first.grpcAddress!;
    const server = clientOf(address);
    await server.newGid();
    await first.close();
    expect(await errorOf(server.newGid())).toBeInstanceOf(DtmConnectionError);
    await startOurs(Number(address.split(':')[1]));
    await server.newGid();
  });

  it.each(['protocol1://', 'protocol1:///'])('is reached with a driver at %s…', async (scheme) => {
    const dtm = await startOurs();
    const server = dtmClient(`${scheme}${dtm.grpcAddress}`, { driver: protocol1Driver() });
    onTestFinished(() => server.close());
    await server.open();
    expect(await server.newGid()).toMatch(/./);
    expect(await server.version()).toMatch(/^v/);
  });

  it('continues a waiting submit after the time-out of the client', async () => {
    const bank = await Participant.start();
    const answer = deferred<object>();
    bank.answer('/in', () => answer.promise);
    const dtm = await startOurs();
    const saga = (timeoutSeconds: number): Saga => {
      const api = clientOf(dtm.grpcAddress!, { timeoutSeconds });
      return new Saga({ api }, { gid: 'g', waitResult: true }).add({ action: bank.url('/in') });
    };
    const error = await errorOf(saga(1).submit());
    expect(error).toBeInstanceOf(DtmConnectionError);
    expect(error.message).toMatch(/gave no answer to submit: DEADLINE_EXCEEDED/);
    expect(error).toMatchObject({ gid: 'g' });
    answer.resolve({});
    await waitUntil(async () => (await dtm.query('g'))?.transaction.status === 'succeed');
    // the attempt is repeated: it is the same saga
    await saga(10).submit();
    expect(bank.requests).toHaveLength(1);
  });

  it('refuses a request that is too large, naming limit and size', async () => {
    const dtm = await startOurs();
    const request = { gid: 'g', transType: 'saga', payloads: ['x'.repeat(5_000_000)] } as const;
    const error = await errorOf(clientOf(dtm.grpcAddress!).submit(request));
    expect(error).toBeInstanceOf(DtmServerError);
    expect(error.message).toMatch(/RESOURCE_EXHAUSTED: .*4194304.*the request has 50000\d\d bytes/);
    expect(await dtm.query('g')).toBeUndefined();
  });

  it('refuses wrong arguments', async () => {
    const server = clientOf((await startOurs()).grpcAddress!);
    const error = await errorOf(server.submit({ gid: 'a;b', transType: 'saga' }));
    expect(error).toBeInstanceOf(DtmArgumentError);
    expect(error.message).toMatch(/^dtm refused submit: .*gid/);
  });

  it('returns failures with their reasons unchanged', async () => {
    const dtm = await startOurs();
    const server = clientOf(dtm.grpcAddress!);
    await server.prepare({ gid: 'g', transType: 'tcc' });
    await server.abort({ gid: 'g', transType: 'tcc', rollbackReason: 'a FAILURE; ONGOING' });
    await waitUntil(async () => (await server.query('g'))?.transaction.status === 'failed');
    expect((await server.query('g'))!.transaction.rollbackReason).toBe('a FAILURE; ONGOING');
  });
});

const go = requireOrSkip('dtm');

describe.skipIf(!go.available)(go.title('Go dtm over gRPC'), () => {
  let dtm: Awaited<ReturnType<typeof startDtm>>;
  let address: string;

  beforeAll(async () => {
    dtm = await startDtm({ env: { LOG_LEVEL: 'error' } });
    address = `${dtm.host}:${dtm.grpcPort}`;
  });
  afterAll(() => dtm?.stop());

  it('alone cannot return the state of a transaction, and the error names the remedy', async () => {
    const server = clientOf(address);
    for (const operation of [
      () => server.query('g'),
      () => server.all(),
      () => server.forceStop('g'),
      () => server.retryNow('g'),
      () => server.version(),
    ]) {
      const error = await errorOf(operation());
      expect(error).toBeInstanceOf(DtmConfigError);
      expect(error.message).toMatch(/pass its HTTP API too: dtmGrpcClient\(.*http: 'http/);
    }
  });

  it.each<[string, number]>([
    ['was rolled back', 409],
    ['is not finished', 425],
  ])('alone does not decide about a waiting submit when the saga %s', async (_, status) => {
    const bank = await Participant.start();
    bank.answer('/in', { status, body: '{}' });
    const server = clientOf(address);
    const gid = await server.newGid();
    const saga = new Saga({ api: server }, { gid, waitResult: true }).add({ action: bank.url('/in') });
    const error = await errorOf(saga.submit());
    expect(error).toBeInstanceOf(DtmOngoingError);
    expect(error.message).toMatch(
      /^dtm refused transaction .*, and the status of the transaction cannot be queried: .*; query the status before/,
    );
    const http = dtmHttpClient(dtm.url);
    onTestFinished(() => http.close());
    if (status === 425) await http.forceStop(gid);
  });

  it('alone is enough for transactions without waitResult', async () => {
    const bank = await Participant.start();
    const server = clientOf(address);
    const transport = branchTransport();
    onTestFinished(() => transport.close());
    await new Saga({ api: server }).add({ action: bank.url('/saga') }).submit();
    await runTcc({ api: server, transport }, (tcc) =>
      tcc.call({ try: bank.url('/try'), confirm: bank.url('/confirm'), cancel: bank.url('/cancel') }),
    );
    await waitUntil(() => bank.requests.length === 3);
    expect(bank.lines.toSorted()).toEqual(['GET /confirm', 'GET /saga', 'GET /try']);
  });

  it('that was restarted is found again', async () => {
    const server = clientOf(address);
    await server.newGid();
    await dtm.kill();
    expect(await errorOf(server.newGid())).toBeInstanceOf(DtmConnectionError);
    await dtm.restart();
    expect(await server.newGid()).toMatch(/./);
  });

  it('refuses a request that is too large, naming limit and size', async () => {
    const request = { gid: 'large', transType: 'saga', payloads: ['x'.repeat(5_000_000)] } as const;
    const error = await errorOf(clientOf(address).submit(request));
    expect(error).toBeInstanceOf(DtmServerError);
    expect(error.message).toMatch(/RESOURCE_EXHAUSTED: .*4194304.*the request has 50000\d\d bytes/);
  });

  it('takes many calls at the same time', async () => {
    const server = clientOf(address);
    const gids = await Promise.all(Array.from({ length: 200 }, () => server.newGid()));
    expect(new Set(gids).size).toBe(200);
  });
});
