import type * as Grpc from '@grpc/grpc-js';
import type { DtmDriver } from '../../driver/index.js';
import { defaultDriver } from '../../driver/index.js';
import {
  branchMetadata,
  encodeWorkflowData,
  payloadBytes,
  readGrpcOutcome,
  type Outcome,
  type Payload,
} from '../../protocol/index.js';
import type { BranchCall, CallTarget, Transport } from '../transport.js';
import { GrpcChannels } from './grpc-channels.js';
import type { GrpcOptions } from './grpc-options.js';

/** Branch id of calls to the initiator itself (`dtm-protocol.md` §4.4). */
const INITIATOR_BRANCH = '00';

/**
 * Calls branches over gRPC the way dtm does (`dtm-protocol.md` §3.3, §4.3). gRPC is loaded at the first call.
 *
 * @param options - limits of the channels
 * @param driver - knows the addresses
 */
export function grpcTransport(options: GrpcOptions = {}, driver: DtmDriver = defaultDriver()): Transport {
  return new GrpcTransport(options, driver);
}

class GrpcTransport implements Transport {
  readonly #options: GrpcOptions;
  readonly #driver: DtmDriver;
  readonly #calls = new Set<Promise<Outcome>>();
  #loading: Promise<void> | undefined;
  #grpc: typeof Grpc | undefined;
  #channels: GrpcChannels | undefined;
  #isClosed = false;

  constructor(options: GrpcOptions, driver: DtmDriver) {
    this.#options = options;
    this.#driver = driver;
  }

  check({ url, context, headers }: CallTarget): void {
    this.#driver.parseServerMethod(url);
    branchMetadata(context, headers);
  }

  call(call: BranchCall): Promise<Outcome> {
    const outcome = this.#call(call).catch(noAnswer);
    this.#calls.add(outcome);
    void outcome.then(() => this.#calls.delete(outcome));
    return outcome;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#calls);
    this.#channels?.close();
  }

  async #call({ url, context, headers, payload, timeoutSeconds }: BranchCall): Promise<Outcome> {
    if (this.#isClosed) throw new Error('the transport is closed');
    const { server, method } = this.#driver.parseServerMethod(url);
    const metadata = branchMetadata(context, headers);
    if (!this.#channels) await (this.#loading ??= this.#load());
    const isCallback = context.transType === 'workflow' && context.branchId === INITIATOR_BRANCH;
    const { code, details, message } = await this.#channels!.call({
      server,
      method,
      metadata: toGrpc(this.#grpc!, metadata),
      message: isCallback ? bufferOf(encodeWorkflowData(payloadBytes(payload))) : bufferOf(payload),
      timeoutMs: timeoutSeconds * 1000,
    });
    return readGrpcOutcome(code, details, message);
  }

  async #load(): Promise<void> {
    try {
      const grpc = await import('@grpc/grpc-js');
      await this.#driver.registerGrpcResolver();
      this.#grpc = grpc;
      this.#channels = new GrpcChannels(grpc, this.#options);
    } catch (error) {
      this.#loading = undefined;
      throw error;
    }
  }
}

function toGrpc(grpc: typeof Grpc, entries: ReadonlyMap<string, string>): Grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of entries) metadata.set(name, name.endsWith('-bin') ? Buffer.from(value) : value);
  return metadata;
}

function bufferOf(payload: Payload): Buffer {
  const bytes = payloadBytes(payload);
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function noAnswer(cause: unknown): Outcome {
  return { kind: 'unknown', message: `no answer: ${cause instanceof Error ? cause.message : String(cause)}`, cause };
}
