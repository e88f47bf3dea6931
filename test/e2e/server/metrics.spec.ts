import type { EmbeddedServerOptions } from 'nestjs-dtm/server';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { makeCoordinator } from '../../support/coordinator.js';
import { get, send } from '../../support/http-client.js';
import { startHttpCoordinator } from '../../support/http-coordinator.js';
import { sagaRequest } from '../../support/requests.js';
import { FAILURE, ONGOING, SUCCESS, UNKNOWN } from '../../support/scripted-transport.js';
import { settled } from '../../support/virtual-clock.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const SAGA = { trans_type: 'saga', steps: [{ action: 'http://b/a' }], payloads: ['{}'] };

async function start(options: EmbeddedServerOptions = {}) {
  const dtm = await startHttpCoordinator(options);
  const { origin } = new URL(dtm.base);
  const text = async (): Promise<string> => (await get(`${origin}/api/metrics`)).body;
  return {
    ...dtm,
    origin,
    text,
    /** Series of a metric with their values, e.g. `{api="query"} 1`. */
    async series(name: string): Promise<string[]> {
      const lines = (await text()).split('\n');
      return lines.filter((line) => line.startsWith(`${name}{`)).map((line) => line.slice(name.length));
    },
  };
}

/** Values of all labels of the metrics of dtm. */
function labelValues(text: string): string[] {
  const lines = text.split('\n').filter((line) => line.startsWith('dtm_') && !line.startsWith('dtm_server_info'));
  return [...new Set(lines.flatMap((line) => [...line.matchAll(/(\w+)="([^"]*)"/g)].map(([, , value]) => value!)))];
}

describe('/api/metrics', () => {
  it('returns text for Prometheus, with the names and labels of dtm', async () => {
    const { origin, server, text } = await start();
    await server.submit(sagaRequest('g', 1, { waitResult: true }));
    await get(`${origin}/api/dtmsvr/newGid`);
    const { status, type, body } = await get(`${origin}/api/metrics`);
    expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    const types = [...body.matchAll(/^# TYPE (dtm_\S+) (\S+)$/gm)].map(([, name, kind]) => `${name} ${kind}`);
    expect(types.toSorted()).toEqual([
      'dtm_branch_process_total counter',
      'dtm_server_info gauge',
      'dtm_server_process_total counter',
      'dtm_server_response_duration histogram',
      'dtm_server_store_writable gauge',
      'dtm_transaction_handled_duration histogram',
      'dtm_transaction_process_total counter',
    ]);
    const lines = await text();
    expect(lines).toMatch(/^dtm_server_info\{gin_version="node:http [\d.]+",grpc_version="[^"]*"\} 1$/m);
    for (const line of [
      'dtm_server_process_total{type="http",api="newgid",status="ok"} 1',
      'dtm_server_response_duration_count{type="http",api="newgid"} 1',
      'dtm_transaction_process_total{model="saga",status="ok"} 1',
      'dtm_transaction_handled_duration_count{model="saga"} 1',
      'dtm_branch_process_total{model="saga",branchid="01",branchtype="action",status="ok"} 1',
    ]) {
      expect(lines.split('\n')).toContain(line);
    }
  });

  it('uses the histogram buckets of dtm', async () => {
    const { origin, series } = await start();
    await get(`${origin}/api/dtmsvr/newGid`);
    const bounds = (await series('dtm_server_response_duration_bucket')).map((line) => /le="([^"]+)"/.exec(line)![1]);
    expect(bounds).toEqual('0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 +Inf'.split(' '));
  });

  it('contains the metrics of the process', async () => {
    const { text } = await start();
    expect(await text()).toMatch(/^process_cpu_seconds_total /m);
    expect(await text()).toMatch(/^nodejs_eventloop_lag_seconds /m);
  });

  it('counts attempts of branches by outcome', async () => {
    const { server, clock, transport, series } = await start();
    transport.answer('01 action', UNKNOWN, ONGOING, SUCCESS).answer('02 action', FAILURE);
    transport.answer('01 compensate', FAILURE, SUCCESS);
    await server.submit(sagaRequest('g', 2));
    await clock.advance(120_000);
    expect((await server.query('g'))?.transaction.status).toBe('failed');
    expect((await series('dtm_branch_process_total')).toSorted()).toEqual([
      '{model="saga",branchid="01",branchtype="action",status="fail"} 2',
      '{model="saga",branchid="01",branchtype="action",status="ok"} 1',
      '{model="saga",branchid="01",branchtype="compensate",status="fail"} 1',
      '{model="saga",branchid="01",branchtype="compensate",status="ok"} 1',
      '{model="saga",branchid="02",branchtype="action",status="ok"} 1',
      '{model="saga",branchid="02",branchtype="compensate",status="ok"} 1',
    ]);
    expect(await series('dtm_transaction_process_total')).toEqual(['{model="saga",status="ok"} 4']);
  });

  it('observes the age of transactions at the end of their passes', async () => {
    const { server, clock, transport, series } = await start();
    transport.answer('01 action', UNKNOWN, SUCCESS);
    await server.submit(sagaRequest('g'));
    await clock.advance(15_000);
    const [sum] = await series('dtm_transaction_handled_duration_sum');
    const seconds = Number(sum!.split(' ').at(-1));
    expect(seconds).toBeGreaterThanOrEqual(10);
    expect(seconds).toBeLessThanOrEqual(12);
  });

  it('counts requests by the status of the answer', async () => {
    const { post, get: ask, series } = await start();
    await post('submit', { ...SAGA, gid: 'g' });
    await post('submit', { ...SAGA, gid: '' });
    await post('abort', { gid: 'g', trans_type: 'saga' });
    await ask('query?gid=g');
    await ask('query');
    expect((await series('dtm_server_process_total')).toSorted()).toEqual([
      '{type="http",api="abort",status="fail"} 1',
      '{type="http",api="query",status="fail"} 1',
      '{type="http",api="query",status="ok"} 1',
      '{type="http",api="submit",status="fail"} 1',
      '{type="http",api="submit",status="ok"} 1',
    ]);
  });

  it('does not count health checks and scrapes', async () => {
    const { origin, text } = await start();
    for (let index = 0; index < 3; index++) {
      await get(`${origin}/api/ping`);
      await get(`${origin}/api/ping/?x=1`);
      await get(`${origin}/api/metrics?x=1`);
      await send('POST', `${origin}/api/ping`, '{}');
    }
    expect(labelValues(await text())).toEqual([]);
  });

  it('takes no label from what clients send', async () => {
    const { origin, base, post, get: ask, clock, transport, text } = await start();
    for (const path of [
      '/secret',
      '/api/dtmsvr/secret',
      '/api/dtmsvr/query/secret',
      '/secret?api=x',
      '/%22%0asecret',
    ]) {
      await get(origin + path);
    }
    await ask('query?gid=secret');
    await ask('query/?gid=secret');
    await ask('subscribe?topic=secret&url=http%3A%2F%2Fsecret%2Fs1');
    await send('DELETE', `${base}/topic/secret`);
    await send('PUT', `${base}/secret`, '{}');
    await send('PATCH', `${base}/submit`, '{}');
    await post('submit', { ...SAGA, gid: 'secret', protocol: 'json-rpc' });
    await post('prepare', { gid: 'tcc-secret', trans_type: 'tcc' });
    for (const branch_id of ['secret', '0101', '100', '1', '٠١', '01\u2028']) {
      await post('registerBranch', {
        gid: 'tcc-secret',
        trans_type: 'tcc',
        branch_id,
        confirm: 'http://secret/c',
        cancel: 'http://secret/c',
      });
    }
    await post('submit', { gid: 'tcc-secret', trans_type: 'tcc' });
    await post('prepareWorkflow', {
      gid: 'workflow',
      trans_type: 'workflow',
      query_prepared: 'http://b/w',
      custom_data: '{"name":"secret","data":""}',
    });
    const page = await request(`${base}/secret`, { headers: { origin: 'http://secret' } });
    await page.body.dump();
    await clock.advance(60_000);
    expect(transport.keys).toContain('00 secret');
    expect(transport.keys).toContain('0101 confirm');
    const values = labelValues(await text());
    expect(values.filter((value) => value.includes('secret'))).toEqual([]);
    const allowed =
      'http ok fail query subscribe topic submit prepare registerbranch prepareworkflow unknown saga tcc workflow ' +
      '01 00 other action confirm';
    const bounds = '0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 +Inf';
    expect(values.filter((value) => !`${allowed} ${bounds}`.split(' ').includes(value))).toEqual([]);
  });

  it('counts the branches of a long saga under at most a hundred ids', async () => {
    const { server, series } = await start();
    await server.submit(sagaRequest('g', 300, { waitResult: true }));
    const ids = (await series('dtm_branch_process_total')).map((line) => /branchid="([^"]+)"/.exec(line)![1]);
    expect(ids).toHaveLength(100);
    expect(ids.at(-1)).toBe('other');
    expect((await series('dtm_branch_process_total')).at(-1)).toMatch(/ 201$/);
  });

  it('is separate for each coordinator', async () => {
    const [first, second] = [await start(), await start()];
    await first.server.submit(sagaRequest('g', 1, { waitResult: true }));
    expect(await first.series('dtm_transaction_process_total')).toEqual(['{model="saga",status="ok"} 1']);
    expect(await second.series('dtm_transaction_process_total')).toEqual([]);
    await first.server.close();
    expect((await get(`${second.origin}/api/metrics`)).status).toBe(200);
  });

  it('works after a first open() that failed', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void other.close());
    const grpcPort = (other.address() as AddressInfo).port;
    const { server } = makeCoordinator({ listen: { port: 0, grpcPort } });
    await expect(server.open()).rejects.toThrow(/cannot listen/);
    await new Promise((resolve) => void other.close(resolve));
    await server.open();
    await settled();
    expect((await get(`${new URL(server.address!).origin}/api/metrics`)).body).toContain('process_cpu_seconds_total');
  });
});
