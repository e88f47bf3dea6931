import { describe, expect, it } from 'vitest';
import { GracePeriod } from '../../../lib/driver/support/registry/grace-period.js';

describe('a grace period', () => {
  const known = (graceMs: number): GracePeriod<string> => new GracePeriod(graceMs, (entry) => entry);

  it('does not begin while the registry answers', () => {
    const entries = known(60_000);
    expect(entries.apply(['a', 'b'])).toEqual(['a', 'b']);
    expect(entries.apply(['b'])).toEqual(['b']);
    expect(entries.apply([])).toEqual([]);
  });

  it('keeps entries that the registry has lost in an outage', () => {
    const entries = known(60_000);
    entries.apply(['a', 'b']);
    entries.recordOutage();
    expect(entries.apply([])).toEqual(['a', 'b']);
    expect(entries.apply(['b', 'c'])).toEqual(['b', 'c', 'a']);
  });

  it('ends after its length', () => {
    const entries = known(0);
    entries.apply(['a']);
    entries.recordOutage();
    expect(entries.apply([])).toEqual([]);
  });

  it('adds nothing when the outage was before the first answer', () => {
    const entries = known(60_000);
    entries.recordOutage();
    expect(entries.apply(['a'])).toEqual(['a']);
  });
});
