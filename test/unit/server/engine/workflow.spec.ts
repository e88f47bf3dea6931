import type { Outcome } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { MODES } from '../../../../lib/server/engine/modes.js';
import { FAILURE, ONGOING, SUCCESS, UNKNOWN } from '../../../support/scripted-transport.js';
import { START_TIME } from '../../../support/virtual-clock.js';
import { PassDriver, SETTINGS, workflowOf } from './pass-driver.js';

const DUE = START_TIME + 10_000;

describe('a workflow', () => {
  it('is first due after its interval, because its initiator is running it', () => {
    expect(workflowOf().transaction.nextCronTime).toBe(DUE);
    expect(workflowOf({ retryIntervalSeconds: 30 }).transaction.nextCronTime).toBe(START_TIME + 30_000);
  });

  it('is resumed by a call of query_prepared, with its name as operation and its input as body', () => {
    const { transaction, branches } = workflowOf();
    const call = MODES.workflow.machine(transaction, branches.length, SETTINGS).initiator!(transaction);
    expect(call).toMatchObject({ branchId: '00', op: 'transfer', url: 'http://b/w' });
    expect(Buffer.from(call.payload).toString()).toBe('in');
    expect(new PassDriver(workflowOf(), DUE).advance()).toEqual(['00 transfer']);
  });

  it.each<[string, Outcome, number]>([
    ['success', SUCCESS, 10],
    ['failure', FAILURE, 10],
    ['ongoing', ONGOING, 10],
    ['unknown', UNKNOWN, 20],
  ])('is not decided by the answer %s: it is called again after the interval', (_, outcome, interval) => {
    const fixture = new PassDriver(workflowOf(), DUE).run({ '00 transfer': outcome });
    expect([fixture.calls, fixture.summary]).toEqual([['00 transfer'], 'prepared']);
    expect(fixture.transaction).toMatchObject({ nextCronTime: DUE + 10_000, nextCronInterval: interval });
    expect(fixture.transaction.owner).toBeUndefined();
  });

  it('is called at its own interval again after an answer', () => {
    const unknown = new PassDriver(workflowOf(), DUE).run({ '00 transfer': UNKNOWN });
    const fixture = new PassDriver({ transaction: unknown.transaction, branches: [] }, DUE + 10_000).run();
    expect(fixture.transaction).toMatchObject({ nextCronTime: DUE + 20_000, nextCronInterval: 10 });
  });

  it('has no time-out', () => {
    const fixture = new PassDriver(workflowOf({ timeoutToFailSeconds: 1 }), START_TIME + 10 ** 9).run();
    expect([fixture.calls, fixture.summary]).toEqual([['00 transfer'], 'prepared']);
  });

  it('is never called when it has no URL', () => {
    const fixture = new PassDriver(workflowOf({ queryPrepared: undefined }), DUE).run();
    expect([fixture.calls, fixture.summary]).toEqual([[], 'prepared']);
    expect(fixture.transaction.nextCronTime).toBeGreaterThan(DUE);
  });

  it.each([undefined, '', '{', 'null', '{}', '{"name":5}'])('is refused with custom_data %s', (customData) => {
    expect(() => workflowOf({ customData })).toThrow(/custom_data|name/);
  });
});
