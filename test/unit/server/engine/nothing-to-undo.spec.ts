import type { Outcome } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { nextRound } from '../../../../lib/server/engine/pass.js';
import { FAILURE, ONGOING, UNKNOWN } from '../../../support/scripted-transport.js';
import { START_TIME } from '../../../support/virtual-clock.js';
import { PassDriver, sagaOf, tccOf, withBranches } from './pass-driver.js';

const REFUSED: Outcome = { kind: 'failure', message: 'amount must be positive', notExecuted: true };

const FIRST = { isFirst: true };

const saga = (start = FIRST, details = sagaOf({ steps: 2 })) => new PassDriver(details, START_TIME, start);

describe('a saga whose action was refused before it was executed', () => {
  it('ends when its compensation is refused in the same way', () => {
    const fixture = saga().run({ '02 action': REFUSED, '02 compensate': REFUSED });
    expect(fixture.calls).toEqual(['01 action', '02 action', '02 compensate', '01 compensate']);
    expect(fixture.summary).toBe(
      'failed, 01 compensate succeed, 01 action succeed, 02 compensate succeed, 02 action failed',
    );
    expect(fixture.pass.branches[2]).toMatchObject({
      attempts: 1,
      finishTime: START_TIME,
      lastError: 'nothing to undo, because the branch was never executed: amount must be positive',
    });
    expect(fixture.transaction.attention).toBeUndefined();
  });

  it('stores the failed action before it calls the compensation', () => {
    const fixture = saga(FIRST, sagaOf({ steps: 1 }));
    fixture.advance();
    expect(fixture.advance({ '01 action': REFUSED })).toEqual(['01 compensate']);
    expect(fixture.step.save).toBe(true);
    expect([...fixture.step.changed.values()]).toMatchObject([{ op: 'action', status: 'failed' }]);
  });

  it('ends when all steps run at once, too', () => {
    const fixture = saga(FIRST, sagaOf({ steps: 2, concurrent: true }));
    fixture.advance();
    fixture.advance({ '01 action': REFUSED });
    fixture.advance({ '02 action': REFUSED });
    expect(fixture.running).toEqual(['01 compensate', '02 compensate']);
    fixture.advance({ '02 compensate': REFUSED });
    fixture.advance({ '01 compensate': REFUSED });
    expect(fixture.transaction.status).toBe('failed');
  });

  it.each<[string, Outcome]>([
    ['for another reason', FAILURE],
    ['as ongoing', ONGOING],
    ['with an unknown outcome', UNKNOWN],
  ])('waits for the compensation when that is refused %s', (_, outcome) => {
    const fixture = saga().run({ '01 action': REFUSED, '01 compensate': outcome });
    expect(fixture.summary).toBe('aborting, 01 action failed');
  });

  it('waits for the compensation when the action may have been executed', () => {
    const fixture = saga().run({ '01 action': FAILURE, '01 compensate': REFUSED });
    expect(fixture.summary).toBe('aborting, 01 action failed');
    expect(fixture.pass.branches[0]!.failures).toBe(1);
  });

  it('waits in a later pass: an earlier one may have called the action without storing it', () => {
    const fixture = saga({ isFirst: false }).run({ '01 action': REFUSED, '01 compensate': REFUSED });
    expect(fixture.summary).toBe('aborting, 01 action failed');
  });

  it('waits when another attempt of the action came before in the same pass', () => {
    const fixture = saga();
    fixture.advance();
    fixture.advance({ '01 action': UNKNOWN });
    fixture.pass = nextRound(fixture.pass);
    fixture.advance();
    fixture.advance({ '01 action': REFUSED });
    fixture.advance({ '01 compensate': REFUSED });
    expect(fixture.summary).toBe('aborting, 01 action failed');
  });

  it('waits when an attempt was stored before', () => {
    const stored = withBranches(sagaOf({ steps: 1 }), { '01 action': { attempts: 1 } });
    const fixture = saga(FIRST, stored).run({ '01 action': REFUSED, '01 compensate': REFUSED });
    expect(fixture.summary).toBe('aborting, 01 action failed');
  });

  it('ends in a later round of the first pass', () => {
    const fixture = saga(FIRST, sagaOf({ steps: 1 }));
    fixture.advance();
    fixture.advance({ '01 action': REFUSED });
    fixture.advance({ '01 compensate': UNKNOWN });
    fixture.pass = nextRound(fixture.pass);
    expect(fixture.advance()).toEqual(['01 compensate']);
    fixture.advance({ '01 compensate': REFUSED });
    expect(fixture.transaction.status).toBe('failed');
  });
});

describe('a TCC whose try was refused before it was executed', () => {
  const tcc = (...ids: string[]) => new PassDriver(tccOf(2, 'aborting'), START_TIME, { notExecuted: new Set(ids) });

  it('ends when its cancel is refused in the same way', () => {
    const fixture = tcc('02').run({ '02 cancel': REFUSED });
    expect(fixture.calls).toEqual(['02 cancel', '01 cancel']);
    expect(fixture.summary).toBe('failed, 01 cancel succeed, 02 cancel succeed');
  });

  it.each([
    ['another branch was refused', tcc('01'), REFUSED],
    ['the initiator knows nothing of the try', tcc(), REFUSED],
    ['the cancel is refused for another reason', tcc('02'), FAILURE],
  ])('waits for the cancel when %s', (_, fixture, outcome) => {
    expect(fixture.run({ '02 cancel': outcome }).summary).toBe('aborting');
  });

  it('never skips a confirm', () => {
    const fixture = new PassDriver(tccOf(1, 'submitted'), START_TIME, { notExecuted: new Set(['01']) });
    expect(fixture.run({ '01 confirm': REFUSED }).summary).toBe('submitted');
  });
});
