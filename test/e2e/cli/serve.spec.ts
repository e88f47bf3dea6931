import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deferred } from '../../support/deferred.js';
import { Participant } from '../../support/participant.js';
import { tempFolder } from '../../support/temp-folder.js';
import { waitUntil } from '../../support/wait-until.js';
import { ServeProcess } from './serve-process.js';

const NOTHING_TO_RECOVER = 'no unfinished transactions';

/** A saga whose steps call `/a1`, `/a2`, … of a participant. */
const sagaAt = (participant: Participant, gid: string, steps = 1, options = {}) => ({
  gid,
  trans_type: 'saga',
  steps: Array.from({ length: steps }, (_, index) => ({
    action: participant.url(`/a${index + 1}`),
    compensate: participant.url(`/c${index + 1}`),
  })),
  payloads: Array.from({ length: steps }, () => '{}'),
  ...options,
});

describe('nestjs-dtm serve', () => {
  it('prints what it serves, and runs a saga that is submitted over HTTP', async () => {
    const cwd = tempFolder();
    const serve = await ServeProcess.start({ cwd });
    expect(serve.stdout).toMatch(/^nestjs-dtm v\d+\.\d+\.\d+ is serving\n/);
    expect(serve.base).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/api\/dtmsvr$/);
    expect(serve.row('JSON-RPC')).toBe(serve.base.replace('dtmsvr', 'json-rpc'));
    expect(serve.row('gRPC')).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(await serve.newGidByGrpc()).toMatch(/\w{20,}/);
    expect(serve.row('store')).toMatch(/^sqlite \S*\.dtm\/dtm\.db$/);
    expect(serve.row('driver')).toBe('default');
    expect(serve.row('recovery')).toBe(NOTHING_TO_RECOVER);
    expect([...serve.rows('note'), ...serve.rows('WARNING')]).toEqual([]);
    expect(existsSync(join(cwd, '.dtm', 'dtm.db'))).toBe(true);

    const participant = await Participant.start();
    expect(await serve.submit(sagaAt(participant, 'g', 2, { wait_result: true }))).toBe(200);
    expect(participant.lines).toEqual(['POST /a1', 'POST /a2']);
    expect(await serve.statusOf('g')).toBe('succeed');
    expect(await serve.stop()).toBe(0);
    expect(serve.log.map(({ level, message }) => `${String(level)} ${String(message)}`)).toEqual([
      expect.stringMatching(/^warn store file \S+dtm\.db is in the working directory: /),
      'info the coordinator has started; unfinished transactions that it takes up: 0',
      'info draining',
      'info stopped',
    ]);
  });

  it('drains when it is asked to stop: it stores the result of a running call, and the next start continues after that call', async () => {
    const cwd = tempFolder();
    const participant = await Participant.start();
    const answer = deferred<Record<string, never>>();
    participant.answer('/a1', () => answer.promise);
    const first = await ServeProcess.start({ cwd, env: { REQUEST_TIMEOUT: '60' } });
    expect(await first.submit(sagaAt(participant, 'g', 2))).toBe(200);
    await participant.received(1);
    first.child.kill('SIGTERM');
    await waitUntil(() => first.log.some(({ message }) => message === 'draining'));
    answer.resolve({});
    expect(await first.ended).toBe(0);
    expect(participant.lines).toEqual(['POST /a1']);

    const second = await ServeProcess.start({ cwd });
    expect(second.row('recovery')).toBe('1 unfinished transaction resumed: 0 prepared, 1 submitted, 0 aborting');
    await waitUntil(async () => (await second.statusOf('g')) === 'succeed');
    expect(participant.lines).toEqual(['POST /a1', 'POST /a2']);
    expect(await second.stop('SIGINT')).toBe(0);
    expect((await ServeProcess.start({ cwd })).row('recovery')).toBe(NOTHING_TO_RECOVER);
  });

  it('recovers what a killed process left behind', async () => {
    const cwd = tempFolder();
    const participant = await Participant.start();
    participant.answer('/a1', () => undefined, {}).answer('/c2', { status: 500 });
    participant.answer('/a2', { status: 409 });
    const first = await ServeProcess.start({ cwd });
    expect(await first.submit(sagaAt(participant, 'running'))).toBe(200);
    await participant.received(1);
    expect(await first.submit(sagaAt(participant, 'failing', 2))).toBe(200);
    await waitUntil(async () => (await first.statusOf('failing')) === 'aborting' && participant.to('/c2').length > 0);
    const prepared = await fetch(`${first.base}/prepare`, { method: 'POST', body: '{"gid":"t","trans_type":"tcc"}' });
    expect(prepared.status).toBe(200);
    expect(await first.stop('SIGKILL')).toBe('SIGKILL');

    const second = await ServeProcess.start({ cwd });
    expect(second.row('recovery')).toBe('3 unfinished transactions resumed: 1 prepared, 1 submitted, 1 aborting');
    await waitUntil(async () => (await second.statusOf('running')) === 'succeed');
  });

  it('stops with an error when its file was removed, does not start without it, and loses nothing when it is back', async () => {
    const cwd = tempFolder();
    const participant = await Participant.start();
    const first = await ServeProcess.start({ cwd });
    expect(await first.submit(sagaAt(participant, 'g', 1, { wait_result: true }))).toBe(200);
    const file = join(cwd, '.dtm', 'dtm.db');
    renameSync(file, `${file}-away`);
    expect(await first.stop()).toBe(1);
    expect(first.stderr).toMatch(
      /^nestjs-dtm: the file of the store was removed or replaced .*put the same file back/m,
    );
    await expect(ServeProcess.start({ cwd })).rejects.toThrow(
      /dtm\.db is missing, but its log .* is not; restore both/,
    );
    renameSync(`${file}-away`, file);
    expect(await (await ServeProcess.start({ cwd })).statusOf('g')).toBe('succeed');
  });

  it('ends at once after a second signal, and loses nothing', async () => {
    const cwd = tempFolder();
    const participant = await Participant.start();
    participant.answer('/a1', () => undefined, {});
    const first = await ServeProcess.start({ cwd, env: { REQUEST_TIMEOUT: '3600' } });
    expect(await first.submit(sagaAt(participant, 'g'))).toBe(200);
    await participant.received(1);
    let isEnded = false;
    void first.ended.then(() => (isEnded = true));
    // until a signal comes late enough to count as a second one
    await waitUntil(() => {
      first.child.kill('SIGTERM');
      return isEnded;
    });
    expect(await first.ended).toBe(143);
    const second = await ServeProcess.start({ cwd });
    await waitUntil(async () => (await second.statusOf('g')) === 'succeed');
  });

  it('counts Ctrl+C as one signal, although npm passes it on once more', async () => {
    const participant = await Participant.start();
    const answer = deferred<Record<string, never>>();
    participant.answer('/a1', () => answer.promise);
    const serve = await ServeProcess.start({ env: { REQUEST_TIMEOUT: '60' } });
    expect(await serve.submit(sagaAt(participant, 'g'))).toBe(200);
    await participant.received(1);
    serve.child.kill('SIGINT');
    serve.child.kill('SIGTERM');
    serve.child.kill('SIGINT');
    await waitUntil(() => serve.log.some(({ message }) => message === 'draining'));
    answer.resolve({});
    expect(await serve.ended).toBe(0);
  });

  it.skipIf(process.platform === 'win32')(
    'drains when npx has ended, because its shell passes no signal on',
    async () => {
      const serve = await ServeProcess.start({ env: { npm_lifecycle_event: 'npx' }, isInShell: true });
      const participant = await Participant.start();
      const answer = deferred<Record<string, never>>();
      participant.answer('/a1', () => answer.promise);
      expect(await serve.submit(sagaAt(participant, 'g'))).toBe(200);
      await participant.received(1);
      serve.child.kill('SIGTERM');
      await waitUntil(() => serve.log.some(({ message }) => message === 'draining'));
      answer.resolve({});
      // the server keeps the output open until its end
      expect(await serve.ended).toBe('SIGTERM');
      expect(serve.log.at(-1)).toMatchObject({ message: 'stopped' });
    },
  );

  it('follows dtm: the file of -c overrides the environment, and a setting without an effect is noted', async () => {
    const cwd = tempFolder();
    writeFileSync(join(cwd, 'conf.yml'), 'Store:\n  Driver: memory\nHttpPort: 0\nUpdateBranchSync: 0\n');
    const env = { HTTP_PORT: '1', STORE_DRIVER: 'sqlite', STORE_PATH: './never.db' };
    const serve = await ServeProcess.start({ cwd, env, args: ['-c', 'conf.yml'] });
    expect(serve.row('store')).toBe('memory (nothing survives the process)');
    expect(serve.rows('note').toSorted()).toEqual([
      'HttpPort: conf.yml:3 overrides environment variable HTTP_PORT',
      'Store.Driver: conf.yml:2 overrides environment variable STORE_DRIVER',
      'Store.Path (environment variable STORE_PATH) has no effect: Store.Driver is memory',
      'UpdateBranchSync (conf.yml:4) has no effect: every state is written before the transaction continues',
    ]);
    expect(existsSync(join(cwd, 'never.db'))).toBe(false);
    expect(await serve.stop()).toBe(0);
  });

  it('runs transactions on the memory store, which a restart empties', async () => {
    const cwd = tempFolder();
    const env = { STORE_DRIVER: 'memory' };
    const participant = await Participant.start();
    const serve = await ServeProcess.start({ cwd, env });
    expect(await serve.submit(sagaAt(participant, 'g', 1, { wait_result: true }))).toBe(200);
    expect(await serve.statusOf('g')).toBe('succeed');
    expect(await serve.stop()).toBe(0);
    expect(await (await ServeProcess.start({ cwd, env })).statusOf('g')).toBeUndefined();
    expect(existsSync(join(cwd, '.dtm'))).toBe(false);
  });

  it('warns when others can reach it, because the API has no authentication', async () => {
    const serve = await ServeProcess.start({ env: { LISTEN_HOST: '0.0.0.0' } });
    expect(serve.rows('WARNING')).toEqual([expect.stringMatching(/^ListenHost is .*no authentication/)]);
    expect((await fetch(`${serve.base}/newGid`)).status).toBe(200);
  });

  it('uses the intervals of its settings', async () => {
    const participant = await Participant.start();
    participant.answer('/a1', { status: 500 }, {});
    const serve = await ServeProcess.start({ env: { RETRY_INTERVAL: '1', TRANS_CRON_INTERVAL: '0.05' } });
    expect(await serve.submit(sagaAt(participant, 'g'))).toBe(200);
    await participant.received(2);
    await waitUntil(async () => (await serve.statusOf('g')) === 'succeed');
  });

  it('reports transactions that need attention at the start', async () => {
    const cwd = tempFolder();
    const participant = await Participant.start();
    participant.answer('/a1', { status: 409 }).answer('/c1', { status: 409 });
    const first = await ServeProcess.start({ cwd, env: { ATTENTION_AFTER_FAILURES: '1' } });
    expect(first.rows('attention')).toEqual([]);
    expect(await first.submit(sagaAt(participant, 'g'))).toBe(200);
    await waitUntil(async () => (await (await fetch(`${first.base}/all?attention=true`)).text()).includes('"gid":"g"'));
    expect(await first.stop()).toBe(0);
    const second = await ServeProcess.start({ cwd });
    expect(second.row('attention')).toBe(`transactions that need attention: 1, see ${second.base}/all?attention=true`);
  });

  it('posts alerts to the webhook', async () => {
    const participant = await Participant.start();
    participant.answer('/a1', { status: 500 });
    const env = { ALERT_WEB_HOOK: participant.url('/alert?token=hunter2'), ALERT_RETRY_LIMIT: '1' };
    const serve = await ServeProcess.start({ env });
    expect(serve.stdout + serve.stderr).not.toContain('hunter2');
    expect(await serve.submit(sagaAt(participant, 'g'))).toBe(200);
    await waitUntil(() => participant.to('/alert').length > 0);
    expect(participant.to('/alert')[0]?.body).toContain('"gid":"g"');
  });

  it('serves metrics at the printed address', async () => {
    const serve = await ServeProcess.start();
    expect(await (await fetch(serve.row('metrics'))).text()).toContain('dtm_server_info');
  });

  it('logs from its level on, to its outputs', async () => {
    const cwd = tempFolder();
    const participant = await Participant.start();
    participant.answer('/a1', { status: 409 });
    participant.answer('/c1', { status: 409, body: '{"message":"cannot undo FAILURE"}' });
    const env = { LOG_LEVEL: 'warn', LOG_OUTPUTS: 'dtm.log,stderr' };
    const serve = await ServeProcess.start({ cwd, env });
    expect(await serve.submit(sagaAt(participant, 'g'))).toBe(200);
    await waitUntil(() => serve.stderr.includes('\n'));
    expect(await serve.stop()).toBe(0);
    expect(readFileSync(join(cwd, 'dtm.log'), 'utf8')).toBe(serve.stderr);
    expect(new Set(serve.log.map(({ level }) => level))).toEqual(new Set(['warn']));
  });

  it('continues when the reader of its output is gone', async () => {
    const participant = await Participant.start();
    participant.answer('/a1', { status: 409 }).answer('/c1', { status: 409 }, {});
    const serve = await ServeProcess.start({ env: { RETRY_INTERVAL: '1', TRANS_CRON_INTERVAL: '0.05' } });
    serve.child.stdout?.destroy();
    serve.child.stderr?.destroy();
    expect(await serve.submit(sagaAt(participant, 'g'))).toBe(200);
    await waitUntil(async () => (await serve.statusOf('g')) === 'failed');
    expect(await serve.stop()).toBe(0);
  });
});
