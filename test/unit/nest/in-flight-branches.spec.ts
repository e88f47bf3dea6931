import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { InFlightBranches } from '../../../lib/nest/branch/serve/in-flight-branches.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const NOTHING = { methods: 0, answers: 0 };

const request = (socket: EventEmitter) => ({ socket }) as unknown as IncomingMessage;
const response = () => new EventEmitter() as ServerResponse;

describe('InFlightBranches', () => {
  test('drains at once when no method runs', async () => {
    const inFlight = new InFlightBranches();
    inFlight.begin();
    inFlight.end();
    inFlight.assertAccepting();
    expect(await inFlight.drain(1000)).toEqual(NOTHING);
    const rejection = expect.objectContaining({ status: 503 }) as Error;
    expect(() => inFlight.assertAccepting()).toThrow(rejection);
    expect(() => inFlight.begin()).toThrow(rejection);
  });

  test('waits for the last method', async () => {
    const inFlight = new InFlightBranches();
    inFlight.begin();
    inFlight.begin();
    let drained = false;
    const draining = inFlight.drain(1000).then(() => (drained = true));
    inFlight.end();
    expect(() => inFlight.begin()).toThrow();
    await Promise.resolve();
    expect(drained).toBe(false);
    inFlight.end();
    await draining;
    expect(drained).toBe(true);
  });

  test('waits for the last answer', async () => {
    const inFlight = new InFlightBranches();
    const socket = new EventEmitter();
    const [first, second] = [response(), response()];
    for (const answer of [first, second]) inFlight.addAnswer(request(socket), answer);
    let drained = false;
    const draining = inFlight.drain(1000).then(() => (drained = true));
    first.emit('close');
    await Promise.resolve();
    expect(drained).toBe(false);
    second.emit('close');
    await draining;
  });

  test('does not wait for the answers of a closed connection', async () => {
    const inFlight = new InFlightBranches();
    const [gone, open] = [new EventEmitter(), new EventEmitter()];
    const [queued, closed] = [response(), response()];
    // Node never closes a response that is queued behind another one when the client hangs up
    inFlight.addAnswer(request(gone), queued);
    inFlight.addAnswer(request(gone), closed);
    inFlight.addAnswer(request(open), response());
    gone.emit('close');
    closed.emit('close');
    inFlight.addAnswer(request(gone), response());
    const draining = inFlight.drain(1000);
    open.emit('close');
    expect(await draining).toEqual(NOTHING);
  });

  test('waits no longer than it is told, and says what is left', async () => {
    const inFlight = new InFlightBranches();
    const clock = new VirtualClock();
    inFlight.begin();
    inFlight.addAnswer(request(new EventEmitter()), response());
    const draining = inFlight.drain(5000, (ms, callback) => clock.after(ms, callback));
    await clock.advance(4999);
    expect(await Promise.race([draining, 'waits'])).toBe('waits');
    await clock.advance(1);
    expect(await draining).toEqual({ methods: 1, answers: 1 });
  });
});
