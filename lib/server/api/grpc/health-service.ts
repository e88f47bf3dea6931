import type { ServerUnaryCall, ServerWritableStream, UntypedServiceImplementation, sendUnaryData } from '@grpc/grpc-js';
import { GRPC_STATUS, type ProtoFile } from '../../../protocol/internal.js';

/** The .proto of the gRPC health service, which load balancers and orchestrators call. */
export const HEALTH_PROTO: ProtoFile = {
  name: 'grpc/health/v1/health.proto',
  package: 'grpc.health.v1',
  services: {
    Health: {
      methods: {
        Check: { requestType: 'HealthCheckRequest', responseType: 'HealthCheckResponse' },
        Watch: { requestType: 'HealthCheckRequest', responseType: 'HealthCheckResponse', responseStream: true },
      },
    },
  },
  messages: {
    HealthCheckRequest: { fields: { service: { type: 'string', id: 1 } } },
    HealthCheckResponse: {
      fields: { status: { type: 'ServingStatus', id: 1 } },
      nested: { ServingStatus: { values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } } },
    },
  },
};

interface HealthRequest {
  readonly service: string;
}

interface HealthAnswer {
  readonly status: 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';
}

/** The gRPC health service: every service has the state of the server. The name `''` means the server itself. */
export class HealthService {
  readonly #services: ReadonlySet<string>;
  readonly #watchers = new Set<ServerWritableStream<HealthRequest, HealthAnswer>>();
  #isServing = true;

  /** @param services - full names of the services */
  constructor(services: readonly string[]) {
    this.#services = new Set(['', ...services]);
  }

  /** Handlers of `Check` and `Watch`. */
  readonly implementation: UntypedServiceImplementation = {
    Check: ({ request }: ServerUnaryCall<HealthRequest, HealthAnswer>, callback: sendUnaryData<HealthAnswer>): void => {
      if (this.#services.has(request.service)) callback(null, this.#answer(request.service));
      else callback({ code: GRPC_STATUS.NOT_FOUND, details: 'unknown service' });
    },
    Watch: (stream: ServerWritableStream<HealthRequest, HealthAnswer>): void => {
      stream.write(this.#answer(stream.request.service));
      if (!this.#isServing) {
        stream.end();
        return;
      }
      this.#watchers.add(stream);
      stream.once('close', () => this.#watchers.delete(stream));
    },
  };

  /** Reports that the server is closing, and ends the streams of watchers. */
  close(): void {
    this.#isServing = false;
    for (const stream of this.#watchers) {
      stream.write(this.#answer(stream.request.service));
      stream.end();
    }
  }

  #answer(service: string): HealthAnswer {
    if (!this.#services.has(service)) return { status: 'SERVICE_UNKNOWN' };
    return { status: this.#isServing ? 'SERVING' : 'NOT_SERVING' };
  }
}
