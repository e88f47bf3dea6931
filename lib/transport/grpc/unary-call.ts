import type * as Grpc from '@grpc/grpc-js';
import { GRPC_STATUS } from '../../protocol/internal.js';

/** A unary call of bytes. */
export interface UnaryCall {
  /** Full method, `/pkg.Service/Method`. */
  readonly method: string;
  /** Sent along. */
  readonly metadata: Grpc.Metadata;
  /** The message. */
  readonly message: Buffer;
}

/** What came of a call. */
export interface GrpcAnswer {
  /** Status code. */
  readonly code: number;
  /** Text of the status. */
  readonly details: string;
  /** The answer; undefined unless the status is OK. */
  readonly message?: Buffer | undefined;
}

/**
 * Calls by the channel itself. A client of gRPC around it takes a stack trace and three more listeners for each call, a
 * seventh of what the call costs in all, and does nothing else for one of bytes without interceptors.
 *
 * @param channel - to the server
 * @param call - what to send
 * @param deadline - when it ends at the latest, in milliseconds since 1970
 * @param done - called once, later
 * @throws Error when the channel is closed
 */
export function callUnary(
  channel: Grpc.ChannelInterface,
  { method, metadata, message }: UnaryCall,
  deadline: number,
  done: (answer: GrpcAnswer) => void,
): void {
  let answer: Buffer | undefined;
  const call = channel.createCall(method, deadline, null, null, null);
  call.start(metadata, {
    onReceiveMetadata() {},
    // no more than one: a message is handed over for each startRead
    onReceiveMessage(bytes: Buffer) {
      answer = bytes;
    },
    onReceiveStatus({ code, details }) {
      if (code !== GRPC_STATUS.OK) done({ code, details });
      else if (answer) done({ code, details: '', message: answer });
      else done({ code: GRPC_STATUS.UNIMPLEMENTED, details: 'No message received' });
    },
  });
  call.startRead();
  call.sendMessageWithContext({}, message);
  call.halfClose();
}
