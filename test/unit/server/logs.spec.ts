import type { EmbeddedServerOptions } from 'nestjs-dtm/server';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { stderrLogger } from '../../../lib/server/environment/stderr-logger.js';
import { startCoordinator } from '../../support/coordinator.js';
import { sagaRequest, tccBranch, tccRequest } from '../../support/requests.js';
import { FAILURE, SUCCESS, UNKNOWN } from '../../support/scripted-transport.js';
import { settled } from '../../support/virtual-clock.js';

let written: string[];

beforeEach(() => {
  written = [];
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  return () => spy.mockRestore();
});

const start = (options: EmbeddedServerOptions = {}) =>
  startCoordinator({ logger: stderrLogger, ...options } as Parameters<typeof startCoordinator>[0]);

const lines = (): Record<string, unknown>[] => written.map((text) => JSON.parse(text) as Record<string, unknown>);

describe('the log on stderr', () => {
  it('has one JSON line for each message, whatever the message contains', async () => {
    const { server, transport } = await start();
    transport.answer('01 action', { kind: 'unknown', message: 'line one\nline two\r\n"quoted" \u2028 \u0000' });
    await server.submit(sagaRequest('g'));
    await settled();
    expect(written).toHaveLength(1);
    expect(written[0]!.match(/[\n\r]/g)).toEqual(['\n']);
    expect(written[0]!.endsWith('}\n')).toBe(true);
    expect(lines()[0]).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      level: 'warn',
      logger: 'DtmCoordinator',
      message: 'branch gave no decision',
      gid: 'g',
      branchId: '01',
      op: 'action',
      url: 'http://b/a1',
      answer: 'line one\nline two\r\n"quoted" \u2028 \u0000',
    });
  });

  it('names transaction, branch and operation in the lines about them', async () => {
    const { server, clock, transport } = await start();
    transport.answer('01 confirm', FAILURE).answer('01 action', UNKNOWN);
    await server.prepare(tccRequest('tcc'));
    await server.registerBranch(tccBranch('tcc', '01'));
    await server.submit(tccRequest('tcc'));
    await server.submit(sagaRequest('saga'));
    await clock.advance(60_000);
    const messages = new Set<unknown>();
    for (const line of lines()) {
      messages.add(line['message']);
      expect(['tcc', 'saga']).toContain(line['gid']);
      if (String(line['message']).startsWith('branch')) {
        expect(line).toMatchObject({ branchId: '01', op: line['gid'] === 'tcc' ? 'confirm' : 'action' });
      }
    }
    expect([...messages]).toEqual([
      'branch gave no decision; confirm must not fail and is retried until it succeeds',
      'branch gave no decision',
      'transaction needs attention',
    ]);
  });

  it('names the branch that caused a rollback, and the one that needs attention', async () => {
    const { server, clock, transport, logger } = await startCoordinator();
    transport.answer('02 action', { kind: 'failure', message: 'no such user' }).answer('01 confirm', FAILURE);
    await server.submit(sagaRequest('saga', 2));
    await server.prepare(tccRequest('tcc'));
    await server.registerBranch(tccBranch('tcc', '01'));
    await server.submit(tccRequest('tcc'));
    await clock.advance(60_000);
    expect(logger.lines).toContainEqual({
      level: 'info',
      message: 'transaction was rolled back',
      fields: { gid: 'saga', transType: 'saga', branchId: '02', op: 'action', reason: 'no such user' },
    });
    expect(logger.lines).toContainEqual({
      level: 'error',
      message: 'transaction needs attention',
      fields: {
        gid: 'tcc',
        transType: 'tcc',
        branchId: '01',
        op: 'confirm',
        status: 'submitted',
        attention: expect.stringContaining('refused'),
      },
    });
  });

  it('is not flooded by a target that fails, and says how many lines it left out', async () => {
    const { server, clock, transport, logger } = await startCoordinator();
    transport.answer('01 action', UNKNOWN);
    for (let index = 0; index < 100; index++) await server.submit(sagaRequest(`g${index}`));
    const steps = [{ action: 'http://other/a', compensate: '' }];
    await server.submit(sagaRequest('other', 1, { steps }));
    await clock.advance(60_000);
    const messages = logger.of('warn');
    expect(messages.filter((message) => message === 'branch gave no decision').length).toBeLessThan(40);
    const rest = logger.lines.find(({ message }) => message.includes('lines left out'));
    expect(rest?.fields).toEqual({ target: 'http://b/*', leftOut: expect.any(Number) });
    expect(rest?.fields['leftOut']).toBeGreaterThanOrEqual(90);
    expect(logger.lines.filter(({ fields }) => fields['gid'] === 'other').length).toBeGreaterThan(0);
  });

  it('contains no passwords of URLs', async () => {
    const { server, clock, transport } = await start({ breakerFailures: 2 });
    const gone = { kind: 'unknown', message: 'no answer from http://me:secret@b/', unreachable: true } as const;
    transport.answer('01 action', gone);
    const steps = [{ action: 'http://me:secret@b/a', compensate: 'http://me:secret@b/c' }];
    for (const gid of ['g1', 'g2', 'g3']) await server.submit(sagaRequest(gid, 1, { steps }));
    await clock.advance(60_000);
    transport.answer('01 action', FAILURE, SUCCESS);
    await clock.advance(60_000);
    expect(lines().map(({ message }) => message)).toContain('circuit breaker opened: the target does not answer');
    expect(written.join('')).toContain('http://***@b');
    expect(written.join('')).not.toContain('secret');
  });

  it('may fail without stopping the coordinator', async () => {
    const fail = (): never => {
      throw new Error('disk full');
    };
    const { server, clock, transport, find } = await start({ logger: { info: fail, warn: fail, error: fail } });
    transport.answer('01 action', UNKNOWN, FAILURE);
    await server.submit(sagaRequest('g'));
    await clock.advance(30_000);
    expect((await find('g')).transaction.status).toBe('failed');
  });
});
