import { describe, expect, it } from 'vitest';
import { GracePeriod } from '../../../lib/driver/support/registry/grace-period.js';

describe('what a registry says', () => {
  const known = (graceMs: number): GracePeriod<string> => new GracePeriod(graceMs, (entry) => entry);

  it('is believed as long as it answers', () => {
    const entries = known(60_000);
    expect(entries.apply(['a', 'b'])).toEqual(['a', 'b']);
    expect(entries.apply(['b'])).toEqual(['b']);
    expect(entries.apply([])).toEqual([]);
  });

  it('does not make what it has forgotten in an outage unknown at once', () => {
    const entries = known(60_000);
    entries.apply(['a', 'b']);
    entries.recordOutage();
    expect(entries.apply([])).toEqual(['a', 'b']);
    expect(entries.apply(['b', 'c'])).toEqual(['b', 'c', 'a']);
  });

  it('is believed again when there was time enough', () => {
    const entries = known(0);
    entries.apply(['a']);
    entries.recordOutage();
    expect(entries.apply([])).toEqual([]);
  });

  it('is all there is after an outage before the first answer', () => {
    const entries = known(60_000);
    entries.recordOutage();
    expect(entries.apply(['a'])).toEqual(['a']);
  });
});
