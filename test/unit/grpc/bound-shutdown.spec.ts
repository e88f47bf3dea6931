import { describe, expect, test } from 'vitest';
import { boundShutdown } from '../../../lib/grpc/bound-shutdown.js';
import { VirtualClock } from '../../support/virtual-clock.js';

/** A server whose calls end when the test says so. */
function startServer() {
  const log: string[] = [];
  let end!: (error?: Error) => void;
  const server = {
    tryShutdown: (callback: (error?: Error) => void) => void (end = callback),
    forceShutdown: () => {
      log.push('forced');
      end();
    },
  };
  const clock = new VirtualClock();
  boundShutdown(server, 5000, (ms, callback) => clock.after(ms, callback));
  server.tryShutdown((error) => log.push(`over ${error?.message ?? ''}`.trim()));
  return { log, clock, end: (error?: Error) => end(error) };
}

describe('boundShutdown', () => {
  test('ends with the last call', async () => {
    const { log, clock, end } = startServer();
    end();
    await clock.advance(10_000);
    expect(log).toEqual(['over']);
  });

  test('passes an error on', () => {
    const { log, end } = startServer();
    end(new Error('broken'));
    expect(log).toEqual(['over broken']);
  });

  test('closes the connections when its time is over', async () => {
    const { log, clock } = startServer();
    await clock.advance(4999);
    expect(log).toEqual([]);
    await clock.advance(1);
    expect(log).toEqual(['forced', 'over']);
  });
});
