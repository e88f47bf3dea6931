import { describe, expect, it } from 'vitest';
import { PollPace } from '../../../lib/driver/support/registry/poll-pace.js';

describe('the pace of polls', () => {
  it('is one second until the first instance is found, or as usual when that is less', () => {
    const pace = new PollPace(60_000);
    pace.record(0);
    expect([pace.pauseMs(5000), pace.pauseMs(50)]).toEqual([1000, 50]);
    pace.record(2);
    pace.record(0);
    expect(pace.pauseMs(5000)).toBe(5000);
  });

  it('is as usual for a name that stays unknown', () => {
    expect(new PollPace(0).pauseMs(5000)).toBe(5000);
  });
});
