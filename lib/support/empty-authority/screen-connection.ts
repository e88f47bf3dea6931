import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AuthorityMender } from './authority-mender.js';
import {
  EMPTY_SETTINGS,
  findEmptyAuthority,
  FRAME,
  FRAME_HEAD_BYTES,
  frameLength,
  frameType,
  isSettingsAck,
  PREFACE,
} from './http2-frames.js';
import { MendedConnection } from './mended-connection.js';

/** How long a connection is held until its first request. */
const HELD_MS = 1000;

/** The most bytes that are held. */
const MAX_HELD_BYTES = 32_768;

/** Frames that a client sends before its first request. */
const BEFORE_REQUEST: readonly number[] = [FRAME.PRIORITY, FRAME.SETTINGS, FRAME.WINDOW_UPDATE];

/**
 * Reads a connection of HTTP/2 up to its first request, and hands it over: as it is, or mended when the `:authority` of the
 * request is empty. A connection that is handed over as it is costs nothing from then on. All requests of a connection have the
 * same authority.
 *
 * Clients of gRPC send nothing until they have received SETTINGS. They get some here, and those of the server after the
 * handover. A server accepts only one confirmation for its own, so that the first one is left out.
 *
 * @param socket - a new connection
 * @param accept - receives the connection
 */
export function screenConnection(socket: Socket, accept: (connection: Duplex) => void): void {
  let held = Buffer.alloc(0);
  let hasSentSettings = false;

  const release = (): void => {
    clearTimeout(timer);
    socket.off('readable', read).off('end', drop).off('error', drop);
  };
  const drop = (): void => {
    release();
    socket.destroy();
  };
  const acceptUnchanged = (): void => {
    release();
    socket.unshift(held);
    accept(socket);
  };
  const acceptMended = (): void => {
    release();
    accept(new MendedConnection(socket, new AuthorityMender(hasSentSettings), held));
  };
  const read = (): void => {
    for (let chunk; (chunk = socket.read() as Buffer | null);) held = Buffer.concat([held, chunk]);
    const start = inspect(held);
    if (start.isOther) return acceptUnchanged();
    if (start.isEmpty === false && !hasSentSettings) return acceptUnchanged();
    if (start.isEmpty === false && start.ack !== undefined) {
      held = Buffer.concat([held.subarray(0, start.ack), held.subarray(start.ack + FRAME_HEAD_BYTES)]);
      return acceptUnchanged();
    }
    if (start.isEmpty || start.isUnusual || held.length > MAX_HELD_BYTES) return acceptMended();
    if (start.hasSettings && !hasSentSettings) {
      hasSentSettings = true;
      socket.write(EMPTY_SETTINGS);
    }
  };
  // a client without a request may be of either kind, and waits for nothing
  const timer = setTimeout(acceptMended, HELD_MS).unref();
  socket.on('readable', read).on('end', drop).on('error', drop);
}

/** The beginning of a connection. */
interface Start {
  /** It is not HTTP/2. */
  readonly isOther?: boolean;
  /** The client has sent its SETTINGS. */
  hasSettings?: boolean;
  /** Position of the first confirmation of SETTINGS. */
  ack?: number;
  /** Whether the `:authority` of the first request is empty. */
  isEmpty?: boolean;
  /** Another frame came before the first request. */
  isUnusual?: boolean;
}

function inspect(bytes: Buffer): Start {
  const preface = bytes.subarray(0, PREFACE.length);
  if (!preface.equals(PREFACE.subarray(0, preface.length))) return { isOther: true };
  const start: Start = {};
  for (let at = PREFACE.length; at + FRAME_HEAD_BYTES <= bytes.length;) {
    const next = at + frameLength(bytes, at);
    if (next > bytes.length) break;
    const type = frameType(bytes, at);
    if (isSettingsAck(bytes, at)) start.ack ??= at;
    else if (type === FRAME.SETTINGS) start.hasSettings = true;
    else if (type === FRAME.HEADERS) start.isEmpty ??= findEmptyAuthority(bytes.subarray(at, next)) !== undefined;
    else if (start.isEmpty === undefined && !BEFORE_REQUEST.includes(type)) start.isUnusual = true;
    at = next;
  }
  return start;
}
