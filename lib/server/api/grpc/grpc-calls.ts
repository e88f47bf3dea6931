import type { ServerErrorResponse, UntypedServiceImplementation, handleUnaryCall } from '@grpc/grpc-js';
import { GRPC_STATUS, writeGrpcError } from '../../../protocol/internal.js';
import type { Metrics } from '../../environment/metrics.js';
import type { GrpcHandler } from './grpc-api.js';

/** Runs unary calls and counts those that are not answered yet. */
export class GrpcCalls {
  readonly #metrics: Pick<Metrics, 'countRequest'>;
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
   * @param api - handlers by method
   */
  service(api: Readonly<Record<string, GrpcHandler>>): UntypedServiceImplementation {
    return Object.fromEntries(Object.entries(api).map(([method, handler]) => [method, this.#method(method, handler)]));
  }

  /** Refuses new calls; resolves when all earlier calls are answered. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#count === 0) return;
    await new Promise<void>((resolve) => {
      this.#onOver = resolve;
    });
  }

  #method(method: string, handler: GrpcHandler): handleUnaryCall<object, object> {
    const api = method.toLowerCase();
    return ({ request }, callback) => {
      if (this.#isClosing) {
        callback({ code: GRPC_STATUS.UNAVAILABLE, details: 'the coordinator is closing' });
        return;
      }
      this.#count += 1;
      const start = performance.now();
      const answer = (error: Partial<ServerErrorResponse> | null, reply?: object): void => {
        callback(error, reply);
        this.#metrics.countRequest('grpc', api, error === null, (performance.now() - start) / 1000);
        this.#count -= 1;
        if (this.#count === 0) this.#onOver?.();
      };
      handler(request as never).then(
        (reply) => answer(null, reply),
        (error: unknown) => {
          const { code, message: details } = writeGrpcError(error);
          answer({ code, details });
        },
      );
    };
  }
}
