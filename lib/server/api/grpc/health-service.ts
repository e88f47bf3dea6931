import type { ServerUnaryCall, ServerWritableStream, UntypedServiceImplementation, sendUnaryData } from '@grpc/grpc-js';
import type { StoreHealth } from '../../environment/store-health.js';
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

/**
 * The gRPC health service: every service serves while the store can write. The name `''` means the server itself.
 */
export class HealthService {
  readonly #services: ReadonlySet<string>;
  readonly #storeHealth: Pick<StoreHealth, 'isWritable' | 'onChange'>;
  readonly #watchers = new Set<ServerWritableStream<HealthRequest, HealthAnswer>>();
  readonly #endNotices: () => void;
  #isClosing = false;

  /** @param services - full names of the services */
  constructor(services: readonly string[], storeHealth: Pick<StoreHealth, 'isWritable' | 'onChange'>) {
    this.#services = new Set(['', ...services]);
    this.#storeHealth = storeHealth;
    this.#endNotices = storeHealth.onChange((isWritable) => {
      for (const stream of this.#watchers) stream.write(this.#answer(stream.request.service, isWritable));
    });
  }

  /** Handlers of `Check` and `Watch`. */
  readonly implementation: UntypedServiceImplementation = {
    Check: async ({ request }: ServerUnaryCall<HealthRequest, HealthAnswer>, callback: sendUnaryData<HealthAnswer>) => {
      if (!this.#services.has(request.service)) callback({ code: GRPC_STATUS.NOT_FOUND, details: 'unknown service' });
      else callback(null, this.#answer(request.service, await this.#storeHealth.isWritable()));
    },
    Watch: (stream: ServerWritableStream<HealthRequest, HealthAnswer>): void => {
      stream.once('close', () => this.#watchers.delete(stream));
      void this.#storeHealth.isWritable().then((isWritable) => {
        if (stream.destroyed) return;
        stream.write(this.#answer(stream.request.service, isWritable));
        if (this.#isClosing) stream.end();
        else this.#watchers.add(stream);
      });
    },
  };

  /** Reports that the server is closing, and ends the streams of watchers. */
  close(): void {
    this.#isClosing = true;
    this.#endNotices();
    for (const stream of this.#watchers) {
      stream.write(this.#answer(stream.request.service, false));
      stream.end();
    }
  }

  #answer(service: string, isWritable: boolean): HealthAnswer {
    if (!this.#services.has(service)) return { status: 'SERVICE_UNKNOWN' };
    return { status: isWritable && !this.#isClosing ? 'SERVING' : 'NOT_SERVING' };
  }
}
