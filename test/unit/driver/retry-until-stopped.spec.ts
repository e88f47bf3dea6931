import { describe, expect, it } from 'vitest';
import { retryUntilStopped } from '../../../lib/driver/support/tools/retry-until-stopped.js';
import { deferred } from '../../support/deferred.js';
import { VirtualClock, settled } from '../../support/virtual-clock.js';

describe('a task that is retried', () => {
  it('runs at once, and again after a back-off that grows up to some seconds', async () => {
    const clock = new VirtualClock();
    const reasons: string[] = [];
    let attempts = 0;
    const attempt = async (): Promise<void> => {
      attempts += 1;
      throw new Error(`attempt ${attempts}`);
    };
    const stop = retryUntilStopped({ attempt, failed: (reason) => reasons.push(reason) }, (ms, callback) =>
      clock.after(ms, callback),
    );
    await settled();
    expect(reasons).toEqual(['attempt 1']);
    await clock.advance(149);
    expect(attempts).toBe(1);
    await clock.advance(101);
    expect(attempts).toBe(2);
    await clock.advance(60_000);
    // by now the back-off is 2.25 to 3.75 seconds
    expect(attempts).toBeGreaterThan(14);
    expect(attempts).toBeLessThan(35);
    stop();
    const before = attempts;
    await clock.advance(60_000);
    expect(attempts).toBe(before);
    expect(clock.pending).toBe(0);
  });

  it('resets its back-off after a success', async () => {
    const clock = new VirtualClock();
    const made: number[] = [];
    const attempts = (): number => made.length;
    const attempt = async (_: AbortSignal, worked: () => void): Promise<void> => {
      if (made.push(clock.now()) === 10) worked();
    };
    const stop = retryUntilStopped({ attempt, failed: () => undefined }, (ms, callback) => clock.after(ms, callback));
    while (attempts() < 10) await clock.advance(100);
    await clock.advance(250);
    expect(attempts()).toBe(11);
    stop();
  });

  it('is aborted when it is stopped, and does not report an error after that', async () => {
    const clock = new VirtualClock();
    const reasons: string[] = [];
    const work = deferred();
    let given: AbortSignal | undefined;
    const attempt = (signal: AbortSignal): Promise<void> => {
      given = signal;
      return work.promise;
    };
    const stop = retryUntilStopped({ attempt, failed: (reason) => reasons.push(reason) }, (ms, callback) =>
      clock.after(ms, callback),
    );
    expect(given?.aborted).toBe(false);
    stop();
    expect(given?.aborted).toBe(true);
    work.reject(new Error('aborted'));
    await settled();
    expect(reasons).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
