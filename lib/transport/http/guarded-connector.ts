import type { Socket } from 'node:net';
import { buildConnector } from 'undici';
import { AnswerHead } from './answer-head.js';
import { AnswerTurns } from './answer-turns.js';

/** Bytes that are parsed at a time: a body may have very many small parts, each of which takes about a microsecond. */
const READ_BYTES = 16 * 1024;

/** Creates a connector for undici whose connections deliver what {@link AnswerHead} and {@link AnswerTurns} let through. */
export function guardedConnector(): ReturnType<typeof buildConnector> {
  const connect = buildConnector({});
  const turns = new AnswerTurns();
  return (options, callback) =>
    connect(options, (...result) => {
      if (result[1]) guard(result[1], turns);
      callback(...result);
    });
}

/**
 * Replaces two methods of a socket. A connection has one request at a time, so what follows a write is the head of an answer;
 * undici reads a socket by `read()` only, again at each event `readable`.
 */
function guard(socket: Socket, turns: AnswerTurns): void {
  const readSome = socket.read.bind(socket) as (size?: number) => Buffer | null;
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let head: AnswerHead | undefined;
  socket.write = (...args: unknown[]) => {
    head ??= new AnswerHead();
    return write(...args);
  };
  socket.read = (size?: number) => {
    if (turns.isOver) {
      turns.postpone(socket);
      return null;
    }
    for (;;) {
      const chunk = readSome(size ?? (socket.readableLength > READ_BYTES ? READ_BYTES : undefined));
      if (chunk === null || !head) return chunk;
      try {
        const answer = head.take(chunk);
        if (!answer) continue;
        head = undefined;
        return answer;
      } catch (error) {
        socket.destroy(error as Error);
        return null;
      }
    }
  };
}
