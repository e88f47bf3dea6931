import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { HttpConnection, type Exchange } from '../../../../lib/server/api/http/http-connection.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

const PART = 64 * 1024;

/** A connection that sends an answer; its client reads when a test says so. */
function sending(parts: number) {
  const clock = new VirtualClock();
  let isDestroyed = false;
  let read: (() => void) | undefined;
  const socket = Object.assign(new EventEmitter(), { writable: true, destroy: () => (isDestroyed = true) });
  const response = Object.assign(new EventEmitter(), {
    destroyed: false,
    write: (_part: Buffer, written: () => void) => (read = written),
    end: () => response.emit('close'),
  });
  const connection = new HttpConnection(socket as unknown as Socket, clock, (_exchange, current) =>
    current.send(Buffer.alloc(parts * PART)),
  );
  connection.add({ request: {}, response } as unknown as Exchange);
  return {
    clock,
    isDestroyed: () => isDestroyed,
    async readPart(seconds: number): Promise<void> {
      await clock.advance(seconds * 1000);
      read!();
    },
  };
}

it('an answer may take as long as its client goes on reading', async () => {
  const { clock, isDestroyed, readPart } = sending(20);
  // the last part ends the answer
  for (let part = 0; part < 19; part++) await readPart(29);
  expect([isDestroyed(), clock.pending]).toEqual([false, 0]);
});

it('a client that reads nothing for 30 s is disconnected', async () => {
  const { clock, isDestroyed, readPart } = sending(20);
  await readPart(29);
  await clock.advance(29_999);
  expect(isDestroyed()).toBe(false);
  await clock.advance(1);
  expect(isDestroyed()).toBe(true);
});

it('a client that has not read its answer after ten minutes is disconnected', async () => {
  const { isDestroyed, readPart } = sending(100);
  for (let part = 0; part < 59; part++) await readPart(10);
  expect(isDestroyed()).toBe(false);
  await readPart(10);
  expect(isDestroyed()).toBe(true);
});
