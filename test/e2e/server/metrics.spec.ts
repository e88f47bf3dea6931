import { describe, expect, it, vi } from 'vitest';
import { get, send } from '../../support/http-client.js';
import { startGrpcCoordinator } from '../../support/grpc-coordinator.js';
import { startHttpCoordinator, type HttpCoordinator } from '../../support/http-coordinator.js';
import { FAILURE, UNKNOWN } from '../../support/scripted-transport.js';
import { settled } from '../../support/virtual-clock.js';

vi.setConfig({ testTimeout: 20_000 });

const SAGA = { trans_type: 'saga', steps: [{ action: 'http://b/a', compensate: 'http://b/c' }], payloads: ['{}'] };

async function metricsOf(dtm: Pick<HttpCoordinator, 'base'>): Promise<string[]> {
  const { body } = await get(`${new URL(dtm.base).origin}/api/metrics`);
  return body.split('\n').filter((line) => line.startsWith('dtm_'));
}

const counted = (lines: readonly string[], name: string): string[] => lines.filter((line) => line.startsWith(name));

describe('/api/metrics', () => {
  it('is the text that Prometheus reads', async () => {
    const dtm = await startHttpCoordinator();
    const answer = await get(`${new URL(dtm.base).origin}/api/metrics`);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.body).toMatch(/^dtm_server_info\{gin_version="node:http [\d.]+",grpc_version="[^"]*"\} 1$/m);
    expect(answer.body).toMatch(/^process_resident_memory_bytes \d+$/m);
  });

  it('counts requests by operation and outcome', async () => {
    const dtm = await startHttpCoordinator();
    await dtm.post('submit', { ...SAGA, gid: 'g' });
    await dtm.post('submit', { ...SAGA, gid: '' });
    await dtm.get('query?gid=g');
    await dtm.get('newGid');
    await dtm.get('newGid');
    const lines = await metricsOf(dtm);
    expect(counted(lines, 'dtm_server_process_total').toSorted()).toEqual([
      'dtm_server_process_total{type="http",api="newgid",status="ok"} 2',
      'dtm_server_process_total{type="http",api="query",status="ok"} 1',
      'dtm_server_process_total{type="http",api="submit",status="fail"} 1',
      'dtm_server_process_total{type="http",api="submit",status="ok"} 1',
    ]);
    expect(lines).toContain('dtm_server_response_duration_count{type="http",api="newgid"} 2');
  });

  it('counts gRPC calls beside them', async () => {
    const dtm = await startGrpcCoordinator();
    await dtm.call('NewGid', {});
    await dtm.answer('Abort', { Gid: 'nope', TransType: 'tcc' });
    expect(counted(await metricsOf(dtm), 'dtm_server_process_total').toSorted()).toEqual([
      'dtm_server_process_total{type="grpc",api="abort",status="fail"} 1',
      'dtm_server_process_total{type="grpc",api="newgid",status="ok"} 1',
    ]);
  });

  it('counts passes and branch calls', async () => {
    const dtm = await startHttpCoordinator();
    dtm.transport.answer('01 action', FAILURE, UNKNOWN);
    await dtm.post('submit', { ...SAGA, gid: 'refused', wait_result: true });
    await dtm.post('submit', { ...SAGA, gid: 'unknown', wait_result: true });
    const lines = await metricsOf(dtm);
    expect(counted(lines, 'dtm_branch_process_total').toSorted()).toEqual([
      'dtm_branch_process_total{model="saga",branchid="01",branchtype="action",status="fail"} 1',
      'dtm_branch_process_total{model="saga",branchid="01",branchtype="action",status="ok"} 1',
      'dtm_branch_process_total{model="saga",branchid="01",branchtype="compensate",status="ok"} 1',
    ]);
    expect(lines).toContain('dtm_transaction_process_total{model="saga",status="ok"} 2');
    expect(lines).toContain('dtm_transaction_handled_duration_count{model="saga"} 2');
  });

  it('counts neither itself nor ping', async () => {
    const dtm = await startHttpCoordinator();
    await get(`${new URL(dtm.base).origin}/api/ping`);
    await metricsOf(dtm);
    expect(counted(await metricsOf(dtm), 'dtm_server_process_total')).toEqual([]);
  });

  it('takes no label from what clients send', async () => {
    const dtm = await startHttpCoordinator();
    await dtm.get('query?gid=secret1');
    await dtm.get('subscribe?topic=secret2&url=http://secret3/s');
    await send('DELETE', `${dtm.base}/topic/secret4`);
    await get(`${dtm.base}/secret5`);
    await send('SECRET', `${dtm.base}/newGid`);
    await dtm.post('prepare', { gid: 'g', trans_type: 'tcc' });
    const branch = { gid: 'g', trans_type: 'tcc', confirm: 'http://b/c', cancel: 'http://b/x' };
    await dtm.post('registerBranch', { ...branch, branch_id: 'secret6' });
    await dtm.post('submit', { gid: 'g', trans_type: 'tcc', wait_result: true });
    await dtm.post('prepareWorkflow', {
      gid: 'w',
      trans_type: 'workflow',
      query_prepared: 'http://b/w',
      custom_data: JSON.stringify({ name: 'secret7', data: '' }),
    });
    await dtm.clock.advance(60_000);
    await settled();
    const lines = await metricsOf(dtm);
    expect(lines.filter((line) => line.toLowerCase().includes('secret'))).toEqual([]);
    expect(lines).toContain(
      'dtm_branch_process_total{model="tcc",branchid="other",branchtype="confirm",status="ok"} 1',
    );
    expect(counted(lines, 'dtm_server_process_total').join('\n')).toMatch(/api="topic",status="fail"/);
    expect(counted(lines, 'dtm_server_process_total').join('\n')).toMatch(/api="unknown",status="fail"\} 1/);
    expect(counted(lines, 'dtm_branch_process_total').join('\n')).toMatch(
      /model="workflow",branchid="00",branchtype="workflow"/,
    );
  });

  it('of two coordinators in one process are two', async () => {
    const [first, second] = [await startHttpCoordinator(), await startHttpCoordinator()];
    await first.get('newGid');
    expect(counted(await metricsOf(first), 'dtm_server_process_total')).toHaveLength(1);
    expect(counted(await metricsOf(second), 'dtm_server_process_total')).toEqual([]);
  });
});
