import { Client, credentials, type ChannelOptions, type ServiceError } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { grpcStatusName } from '../../lib/protocol/internal.js';

const LOCAL = { 'grpc.use_local_subchannel_pool': 1, 'grpc.enable_http_proxy': 0 };

/** A gRPC client like Nest's `ClientGrpc`: the URL is the target, unchanged. Closes after the test. */
export class PlainGrpcClient {
  readonly #client: Client;

  constructor(url: string, options: ChannelOptions = {}) {
    this.#client = new Client(url, credentials.createInsecure(), { ...LOCAL, ...options });
    onTestFinished(() => this.#client.close());
  }

  /** Calls a method with an empty message; returns `OK`, or status and details. */
  call(method: string, deadline = Date.now() + 10_000): Promise<string> {
    return new Promise((resolve) => {
      const done = (error: ServiceError | null): void =>
        resolve(error ? `${grpcStatusName(error.code)} ${error.details}` : 'OK');
      this.#client.makeUnaryRequest(method, identity, identity, Buffer.alloc(0), { deadline }, done);
    });
  }
}

function identity(bytes: Buffer): Buffer {
  return bytes;
}
