import { Client, credentials, type ServiceDefinition, type ServiceError } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { DTM_PROTO, grpcStatusName } from '../../lib/protocol/internal.js';
import { definitionOf } from './grpc-definitions.js';

const LOCAL = { 'grpc.use_local_subchannel_pool': 1, 'grpc.enable_http_proxy': 0 };

/** Result of a call. */
export interface GrpcAnswer {
  /** Name of the status code, e.g. `ABORTED`. */
  readonly status: string;
  /** Message of the status. */
  readonly message: string;
  /** The reply message, if any. */
  readonly reply: Record<string, unknown> | undefined;
}

/** A client of dtm's gRPC API. */
export class GrpcClient {
  readonly client: Client;
  readonly #methods: ServiceDefinition;

  /** Closes at the end of the test unless `endsWithTest` is false. */
  constructor(address: string, methods = definitionOf(DTM_PROTO, 'Dtm'), endsWithTest = true) {
    this.client = new Client(address, credentials.createInsecure(), LOCAL);
    this.#methods = methods;
    if (endsWithTest) onTestFinished(() => this.client.close());
  }

  /** Calls a method. Returns error statuses, never throws them. */
  call(method: string, message: object = {}, timeoutMs = 20_000): Promise<GrpcAnswer> {
    const { path, requestSerialize, responseDeserialize } = this.#methods[method]!;
    return new Promise((resolve) => {
      const deadline = Date.now() + timeoutMs;
      const done = (error: ServiceError | null, reply?: object): void =>
        resolve({
          status: grpcStatusName(error?.code ?? 0),
          message: error?.details ?? '',
          reply: reply as Record<string, unknown> | undefined,
        });
      this.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, message, { deadline }, done);
    });
  }

  /** Status and message, e.g. `ABORTED no money FAILURE`. */
  async answer(method: string, message: object = {}): Promise<string> {
    const { status, message: text } = await this.call(method, message);
    return `${status} ${text}`.trim();
  }
}

/** Fields of a `DtmRequest` by their own names, except steps and payloads. */
export interface RequestFields {
  readonly steps?: readonly object[];
  readonly payloads?: readonly (string | Buffer)[];
  readonly [field: string]: unknown;
}

/** A `DtmRequest` with steps as objects and payloads as text or bytes. */
export function requestMessage(gid: string, transType: string, rest: RequestFields = {}): object {
  const { steps, payloads = [], ...others } = rest;
  return {
    Gid: gid,
    TransType: transType,
    ...(steps ? { Steps: JSON.stringify(steps) } : {}),
    BinPayloads: payloads.map((payload) => Buffer.from(payload as string)),
    ...others,
  };
}
