import type { ServerErrorResponse, UntypedServiceImplementation, handleUnaryCall } from '@grpc/grpc-js';
import { GRPC_STATUS, writeGrpcError, type ServiceMethod } from '../../../protocol/internal.js';
import type { Metrics } from '../../environment/metrics.js';
import { AnswersUnreadError, type AnswerClient } from '../answer-budget.js';
import type { GrpcHandler } from './grpc-api.js';

/** A smaller answer is not counted: the number of calls of a connection is limited. */
const LARGE_ANSWER_BYTES = 16 * 1024;

/** Maximum number of bytes of large answers that a connection has not read. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;

type UnaryCall = Parameters<handleUnaryCall<object, Buffer>>[0];

/** Methods of a service with their handlers, as grpc-js takes them. */
export interface GrpcService {
  readonly definition: Readonly<Record<string, ServiceMethod>>;
  readonly implementation: UntypedServiceImplementation;
}

/** Runs unary calls and counts those that are not answered yet. */
export class GrpcCalls {
  readonly #metrics: Pick<Metrics, 'countRequest'>;
  /** Bytes of large answers on their way, by the address of the client. */
  readonly #unread = new Map<string, number>();
  #count = 0;
  #isClosing = false;
  #onOver: (() => void) | undefined;

  /** @param metrics - counts the calls */
  constructor(metrics: Pick<Metrics, 'countRequest'>) {
    this.#metrics = metrics;
  }

  /**
   * Creates a service from handlers; {@link writeGrpcError} turns their errors into a status.
   *
   * @param methods - methods of the service
   * @param api - handlers by method
   */
  service(methods: Readonly<Record<string, ServiceMethod>>, api: Readonly<Record<string, GrpcHandler>>): GrpcService {
    const definition: Record<string, ServiceMethod> = {};
    const implementation: UntypedServiceImplementation = {};
    for (const [name, method] of Object.entries(methods)) {
      // the answer is written before it is handed over, so that its size is known
      definition[name] = { ...method, responseSerialize: (bytes) => bytes as Buffer };
      implementation[name] = this.#method(name, method, api[name]!);
    }
    return { definition, implementation };
  }

  /** Refuses new calls; resolves when all earlier calls are answered. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#count === 0) return;
    await new Promise<void>((resolve) => {
      this.#onOver = resolve;
    });
  }

  #method(name: string, { responseSerialize }: ServiceMethod, handler: GrpcHandler): handleUnaryCall<object, Buffer> {
    const api = name.toLowerCase();
    return (call, callback) => {
      if (this.#isClosing) {
        callback({ code: GRPC_STATUS.UNAVAILABLE, details: 'the coordinator is closing' });
        return;
      }
      this.#count += 1;
      const start = performance.now();
      const answer = (error: Partial<ServerErrorResponse> | null, reply?: Buffer): void => {
        callback(error, reply);
        this.#metrics.countRequest('grpc', api, error === null, (performance.now() - start) / 1000);
        this.#count -= 1;
        if (this.#count === 0) this.#onOver?.();
      };
      handler(call.request as never, clientOf(call))
        .then((reply) => (Buffer.isBuffer(reply) ? reply : responseSerialize(reply)))
        .then(
          (reply) => {
            if (reply.length < LARGE_ANSWER_BYTES || this.#countUnread(call, reply.length)) answer(null, reply);
            else answer({ code: GRPC_STATUS.RESOURCE_EXHAUSTED, details: UNREAD });
          },
          (error: unknown) => {
            const { code, message: details } = writeGrpcError(error);
            answer({ code: error instanceof AnswersUnreadError ? GRPC_STATUS.RESOURCE_EXHAUSTED : code, details });
          },
        );
    };
  }

  /** @returns false when the client has too many answers to read already */
  #countUnread(call: UnaryCall, size: number): boolean {
    // the event has come already; grpc-js drops the answer
    if (call.cancelled) return true;
    const client = call.getPeer();
    const unread = this.#unread.get(client) ?? 0;
    if (unread > 0 && unread + size > MAX_UNREAD_BYTES) return false;
    this.#unread.set(client, unread + size);
    // grpc-js emits this event at the end of every call, when the answer is sent or can no longer be sent
    call.once('cancelled', () => {
      const rest = this.#unread.get(client)! - size;
      if (rest > 0) this.#unread.set(client, rest);
      else this.#unread.delete(client);
    });
    return true;
  }
}

function clientOf(call: UnaryCall): AnswerClient {
  return {
    get isGone() {
      return call.cancelled;
    },
    // grpc-js emits this event at the end of every call
    onceOver: (callback) => void call.once('cancelled', callback),
  };
}

const UNREAD = `the client has not read ${MAX_UNREAD_BYTES} bytes of earlier answers; read them, then call again`;
