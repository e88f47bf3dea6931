import type * as Grpc from '@grpc/grpc-js';
import type { DtmDriver } from '../../driver/index.js';
import { DtmArgumentError } from '../../protocol/internal.js';
import { loadGrpc } from '../../support/load-grpc.js';
import { GrpcChannels } from './grpc-channels.js';
import type { GrpcConnectionOptions } from './grpc-options.js';
import type { GrpcTlsOptions } from './grpc-tls.js';
import type { GrpcAnswer } from './unary-call.js';

/** Options of {@link GrpcRequester}. */
export interface GrpcRequesterOptions extends GrpcConnectionOptions {
  /** Connects over TLS. @default plainly */
  readonly tls?: GrpcTlsOptions | undefined;
  /** Makes its addresses known to gRPC before the first call. @default only those that gRPC knows by itself */
  readonly driver?: Pick<DtmDriver, 'registerGrpcResolver' | 'interceptGrpc'> | undefined;
}

/** A unary call. */
export interface GrpcRequest {
  /** `host:port`, or what a resolver of gRPC understands. */
  readonly server: string;
  /** Full method, `/pkg.Service/Method`. */
  readonly method: string;
  /** The message. */
  readonly message: Buffer;
  /** Names and values of the metadata; that of a name ending in `-bin` is sent as bytes. @default none */
  readonly metadata?: Iterable<readonly [string, string]> | undefined;
  /** Longest time for everything: connecting and the call. */
  readonly timeoutMs: number;
}

interface Connections {
  readonly grpc: typeof Grpc;
  readonly channels: GrpcChannels;
}

/** Unary calls of bytes over pooled channels. gRPC is loaded at the first one. */
export class GrpcRequester {
  readonly #options: GrpcRequesterOptions;
  readonly #calls = new Set<Promise<GrpcAnswer>>();
  #connections: Promise<Connections> | undefined;
  #loaded: Connections | undefined;
  #isClosed = false;

  constructor(options: GrpcRequesterOptions = {}) {
    this.#options = options;
  }

  /**
   * Loads what calls need, without connecting.
   *
   * @throws DtmConfigError when gRPC or certificates cannot be loaded; what the driver throws
   */
  async open(): Promise<void> {
    await this.#open();
  }

  /**
   * Calls a server.
   *
   * @param request - what to send
   * @returns what the server answered, or a status that says why there is no answer
   * @throws DtmArgumentError when metadata cannot be sent; DtmConfigError when gRPC or certificates cannot be loaded;
   *   Error when the driver refuses, or this is closed
   */
  request(request: GrpcRequest): Promise<GrpcAnswer> {
    if (this.#isClosed) return Promise.reject(new Error('the connection is closed'));
    const answer = this.#request(request);
    this.#calls.add(answer);
    const forget = (): void => void this.#calls.delete(answer);
    answer.then(forget, forget);
    return answer;
  }

  /** Closes the channels after the calls under way. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#calls);
    // what was loaded without a call
    const connections = await this.#connections?.catch(() => undefined);
    connections?.channels.close();
  }

  async #request({ timeoutMs, ...parts }: GrpcRequest): Promise<GrpcAnswer> {
    const { grpc, channels } = this.#loaded ?? (await this.#open());
    const { metadata, ...call } = this.#options.driver?.interceptGrpc?.(parts) ?? parts;
    return channels.call({ ...call, timeoutMs, metadata: metadataOf(grpc, metadata ?? []) });
  }

  #open(): Promise<Connections> {
    return (this.#connections ??= this.#load());
  }

  async #load(): Promise<Connections> {
    try {
      const grpc = await loadGrpc();
      await this.#options.driver?.registerGrpcResolver();
      this.#loaded = { grpc, channels: new GrpcChannels(grpc, this.#options, this.#options.tls) };
      return this.#loaded;
    } catch (error) {
      // what was missing may be there next time
      this.#connections = undefined;
      throw error;
    }
  }
}

function metadataOf(grpc: typeof Grpc, entries: Iterable<readonly [string, string]>): Grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of entries) {
    try {
      metadata.set(name, name.endsWith('-bin') ? Buffer.from(value) : value);
    } catch {
      // neither the value nor the error, which repeats it, is shown: it may be a secret
      throw new DtmArgumentError(
        `gRPC metadata ${JSON.stringify(name)} cannot be sent; names consist of letters, digits and _.-, values of printable ASCII`,
      );
    }
  }
  return metadata;
}
