import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dtmClient } from 'nestjs-dtm/client';
import { DtmConnectionError, DtmError, DtmServerError } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore, type EmbeddedServer } from 'nestjs-dtm/server';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

/** What a newcomer gives as the URL of the coordinator, and what the error says about it. */
describe('a URL that leads', () => {
  let dtm: EmbeddedServer;
  let web: Server;
  let at: { readonly http: string; readonly grpc: string; readonly web: string };

  beforeAll(async () => {
    dtm = embeddedServer({ store: memoryStore(), listen: { port: 0, grpcPort: 0 } });
    await dtm.open();
    web = createServer(({ url = '' }, response) => {
      if (url.startsWith('/login')) response.end('<html>');
      else
        response.writeHead(404).end('{"message":"Cannot GET /api/dtmsvr/newGid","error":"Not Found","statusCode":404}');
    });
    await new Promise<void>((resolve) => void web.listen(0, '127.0.0.1', resolve));
    const { port } = web.address() as AddressInfo;
    at = { http: new URL(dtm.address!).host, grpc: dtm.grpcAddress!, web: `127.0.0.1:${port}` };
  });
  afterAll(async () => {
    await dtm?.close();
    web?.close();
  });

  async function errorAt(url: string): Promise<DtmError> {
    const client = dtmClient(url);
    onTestFinished(() => client.close());
    await client.open();
    return client.newGid().then(
      () => expect.unreachable(),
      (error: DtmError) => error,
    );
  }

  it.each([
    [
      'to another application',
      () => `http://${at.web}`,
      /status 404: .*; the server at http:\S+ has no such operation, so check that the URL/,
    ],
    [
      'to another path of the coordinator',
      () => `http://${at.http}/api`,
      /status 404: .* has no such operation, so check that the URL/,
    ],
    [
      'to a page',
      () => `http://${at.web}/login`,
      /unexpected answer to newGid: .*JSON; check that the URL is that of a coordinator/,
    ],
    [
      'to another application, over JSON-RPC',
      () => `http://${at.web}/api/json-rpc`,
      /status 404: .*; check that the URL is that of/,
    ],
  ])('%s, is a server error that says so', async (_, url, message) => {
    const error = await errorAt(url());
    expect(error).toBeInstanceOf(DtmServerError);
    expect(error.message).toMatch(message);
  });

  it.each([
    [
      'nowhere',
      () => 'http://127.0.0.1:1',
      /ECONNREFUSED 127\.0\.0\.1:1; start the coordinator, .*npx nestjs-dtm serve, or correct its URL/,
    ],
    ['nowhere over gRPC', () => '127.0.0.1:1', /ECONNREFUSED 127\.0\.0\.1:1.*; start the coordinator/],
    ['to a host that does not exist', () => 'http://dtm.invalid:36789', /dtm\.invalid.*; correct the host in its URL/],
    [
      'to a host that does not exist, over gRPC',
      () => 'dtm.invalid:36790',
      /dtm\.invalid.*; correct the host in its URL/,
    ],
    [
      'over gRPC to the HTTP port',
      () => at.http,
      /; the server does not speak gRPC at this port, so give the gRPC port, or http:\/\/ in front/,
    ],
    [
      'over HTTP to the gRPC port',
      () => `http://${at.grpc}`,
      /; if this is its gRPC port, leave http:\/\/ out of the URL/,
    ],
    [
      'by TLS to a server without it',
      () => `https://${at.http}`,
      /; the server does not use TLS, so write http:\/\/ or grpc:\/\//,
    ],
    [
      'by TLS to a gRPC server without it',
      () => `grpcs://${at.grpc}`,
      /; the server does not use TLS, so write http:\/\/ or grpc:\/\//,
    ],
  ])('%s, is a connection error that says what to do', async (_, url, message) => {
    const error = await errorAt(url());
    expect(error).toBeInstanceOf(DtmConnectionError);
    expect(error.message).toMatch(message);
  });
});
