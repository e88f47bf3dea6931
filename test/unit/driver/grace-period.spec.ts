import { describe, expect, it } from 'vitest';
import { GracePeriod } from '../../../lib/driver/support/registry/grace-period.js';

describe('what a registry says', () => {
  const known = (graceMs: number): GracePeriod<string> => new GracePeriod(graceMs, (entry) => entry);

  it('is believed as long as it answers', () => {
    const entries = known(60_000);
    expect(entries.found(['a', 'b'])).toEqual(['a', 'b']);
    expect(entries.found(['b'])).toEqual(['b']);
    expect(entries.found([])).toEqual([]);
  });

  it('does not make what it has forgotten in an outage unknown at once', () => {
    const entries = known(60_000);
    entries.found(['a', 'b']);
    entries.failed();
    expect(entries.found([])).toEqual(['a', 'b']);
    expect(entries.found(['b', 'c'])).toEqual(['b', 'c', 'a']);
  });

  it('is believed again when there was time enough', () => {
    const entries = known(0);
    entries.found(['a']);
    entries.failed();
    expect(entries.found([])).toEqual([]);
  });

  it('is all there is after an outage before the first answer', () => {
    const entries = known(60_000);
    entries.failed();
    expect(entries.found(['a'])).toEqual(['a']);
  });
});
