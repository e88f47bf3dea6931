import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../../../lib/server/environment/clock.js';

describe('the system clock', () => {
  it('calls back once after the time, unless the call is cancelled', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const [kept, cancelled] = [vi.fn<() => void>(), vi.fn<() => void>()];
    systemClock.after(1000, kept);
    systemClock.after(1000, cancelled)();
    const before = systemClock.now();
    vi.advanceTimersByTime(999);
    expect(kept).not.toHaveBeenCalled();
    vi.advanceTimersByTime(5000);
    expect(kept).toHaveBeenCalledOnce();
    expect(cancelled).not.toHaveBeenCalled();
    expect(systemClock.now() - before).toBe(5999);
  });

  it('does not call back at once when the time exceeds the limit of timers', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const callback = vi.fn<() => void>();
    systemClock.after(10 * 365 * 86_400_000, callback);
    vi.advanceTimersByTime(60_000);
    expect(callback).not.toHaveBeenCalled();
  });
});
