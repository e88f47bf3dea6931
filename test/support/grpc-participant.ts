import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { acceptEmptyAuthority } from '../../lib/support/empty-authority/accept-empty-authority.js';
import { GRPC_STATUS } from '../../lib/protocol/internal.js';

/** A call that a participant received. */
export interface ReceivedCall {
  /** Full method. */
  readonly method: string;
  /** Metadata by name. */
  readonly metadata: Readonly<Record<string, string | Buffer>>;
  /** Raw bytes of the message. */
  readonly message: Buffer;
  /** Address of the caller, different for each connection. */
  readonly peer: string;
}

/** Answer of a participant: a status and a message; undefined = no answer. */
export interface GrpcReply {
  readonly code?: number;
  readonly details?: string;
  readonly message?: Buffer;
}

export type GrpcParticipantHandler = (call: ReceivedCall) => GrpcReply | undefined | Promise<GrpcReply | undefined>;

/** A real gRPC server that records calls as bytes and answers as scripted, by default OK with an empty message. */
export class GrpcParticipant {
  readonly calls: ReceivedCall[] = [];
  readonly #handlers = new Map<string, GrpcParticipantHandler[]>();
  #server: Server | undefined;
  #port = 0;

  private constructor() {}

  /** Starts a participant on a free port; stops it after the test. */
  static async start(): Promise<GrpcParticipant> {
    const participant = new GrpcParticipant();
    await participant.restart();
    onTestFinished(() => participant.stop());
    return participant;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** URL of a method, e.g. `bank.Bank/TransOut`. */
  url(method: string): string {
    return `${this.address}/${method}`;
  }

  /**
   * Scripts the answers of a method: one reply per call; the last reply repeats.
   *
   * @param method - e.g. `bank.Bank/TransOut`
   */
  answer(method: string, ...replies: readonly (GrpcReply | GrpcParticipantHandler)[]): this {
    this.#handlers.set(
      `/${method}`,
      replies.map((reply) => (typeof reply === 'function' ? reply : () => reply)),
    );
    if (this.#server) this.#register(this.#server, `/${method}`);
    return this;
  }

  /** Accepts calls of Go's client of Polaris, until the next restart. */
  acceptEmptyAuthority(): void {
    acceptEmptyAuthority(this.#server!);
  }

  /** Method, branch and operation of each call, in order. */
  get lines(): string[] {
    return this.calls.map(
      ({ method, metadata }) => `${method} ${String(metadata['dtm-branch_id'])} ${String(metadata['dtm-op'])}`,
    );
  }

  /** Stops at once; keeps the port for {@link restart}. */
  stop(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }

  /** Starts again on the same port. */
  async restart(): Promise<void> {
    this.stop();
    const server = new Server({ 'grpc.max_receive_message_length': -1 });
    for (const method of this.#handlers.keys()) this.#register(server, method);
    this.#port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${this.#port}`, ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
    this.#server = server;
  }

  #register(server: Server, method: string): void {
    const handle = (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void =>
      void this.#answer(method, call, callback);
    server.unregister(method);
    server.register(method, handle, identity, identity, 'unary');
  }

  async #answer(method: string, call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): Promise<void> {
    const received = { method, metadata: call.metadata.getMap(), message: call.request, peer: call.getPeer() };
    this.calls.push(received);
    const handlers = this.#handlers.get(method) ?? [];
    const handler = handlers.length > 1 ? handlers.shift() : handlers[0];
    const reply = await handler?.(received);
    if (!reply) return;
    const { code = GRPC_STATUS.OK, details = '', message = Buffer.alloc(0) } = reply;
    if (code === GRPC_STATUS.OK) callback(null, message);
    else callback({ code, details });
  }
}

function identity(bytes: Buffer): Buffer {
  return bytes;
}

/** Outcomes of a branch as dtm reads them. */
export const REPLIES = {
  success: {},
  failure: { code: GRPC_STATUS.ABORTED, details: 'no money' },
  ongoing: { code: GRPC_STATUS.FAILED_PRECONDITION, details: 'not yet' },
  broken: { code: GRPC_STATUS.INTERNAL, details: 'boom' },
} as const satisfies Record<string, GrpcReply>;
