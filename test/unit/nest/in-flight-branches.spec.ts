import { describe, expect, test } from 'vitest';
import { InFlightBranches } from '../../../lib/nest/branch/serve/in-flight-branches.js';

describe('InFlightBranches', () => {
  test('drains at once when no method runs', async () => {
    const inFlight = new InFlightBranches();
    inFlight.begin();
    inFlight.end();
    inFlight.assertAccepting();
    await inFlight.drain();
    const rejection = expect.objectContaining({ status: 503 }) as Error;
    expect(() => inFlight.assertAccepting()).toThrow(rejection);
    expect(() => inFlight.begin()).toThrow(rejection);
  });

  test('waits for the last method', async () => {
    const inFlight = new InFlightBranches();
    inFlight.begin();
    inFlight.begin();
    let drained = false;
    const draining = inFlight.drain().then(() => (drained = true));
    inFlight.end();
    expect(() => inFlight.begin()).toThrow();
    await Promise.resolve();
    expect(drained).toBe(false);
    inFlight.end();
    await draining;
    expect(drained).toBe(true);
  });
});
