import type * as Grpc from '@grpc/grpc-js';
import type { DtmDriver } from '../../driver/index.js';
import { metadataError } from '../../protocol/internal.js';
import { loadGrpc } from '../../support/load-grpc.js';
import { GrpcChannels } from './grpc-channels.js';
import type { GrpcConnectionOptions } from './grpc-connection-options.js';
import type { GrpcTlsOptions } from './grpc-tls.js';
import type { GrpcAnswer } from './unary-call.js';

/** Options of {@link GrpcRequester}. */
export interface GrpcRequesterOptions extends GrpcConnectionOptions {
  /** Options of TLS. @default no TLS */
  readonly tls?: GrpcTlsOptions | undefined;
  /** Driver that registers its resolver before the first call. @default only the schemes of gRPC */
  readonly driver?: Pick<DtmDriver, 'registerGrpcResolver' | 'interceptGrpc'> | undefined;
}

/** A unary call. */
export interface GrpcRequest {
  /** `host:port`, or a URL that a resolver of gRPC understands. */
  readonly server: string;
  /** Full method, `/pkg.Service/Method`. */
  readonly method: string;
  /** The message. */
  readonly message: Buffer;
  /** Names and values of the metadata; values of names that end with `-bin` are sent as bytes. @default none */
  readonly metadata?: Iterable<readonly [string, string]> | undefined;
  /** Time-out of everything: connecting and the call. */
  readonly timeoutMs: number;
  /** Calls of one method and group share connections. @default '' */
  readonly group?: string | undefined;
}

interface Connections {
  readonly grpc: typeof Grpc;
  readonly channels: GrpcChannels;
}

/** Makes unary calls with bytes over pooled channels. The first call loads the gRPC library. */
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
   * Loads the gRPC library and the certificates, without connecting.
   *
   * @throws DtmConfigError when gRPC or certificates cannot be loaded; what the driver throws
   */
  async open(): Promise<void> {
    await this.#open();
  }

  /**
   * Calls a server.
   *
   * @returns the answer of the server, or the status that explains why there is none
   * @throws DtmArgumentError when metadata cannot be sent; DtmConfigError when gRPC or certificates cannot be loaded;
   *   what the driver throws; Error after {@link close}
   */
  request(request: GrpcRequest): Promise<GrpcAnswer> {
    if (this.#isClosed) return Promise.reject(new Error('the connection is closed'));
    const answer = this.#request(request);
    this.#calls.add(answer);
    const forget = (): void => void this.#calls.delete(answer);
    answer.then(forget, forget);
    return answer;
  }

  /** Closes the channels after the running calls. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#calls);
    // open() loads them without a call
    const connections = await this.#connections?.catch(() => undefined);
    connections?.channels.close();
  }

  async #request({ timeoutMs, group, ...request }: GrpcRequest): Promise<GrpcAnswer> {
    const { grpc, channels } = this.#loaded ?? (await this.#open());
    const { metadata, ...call } = this.#options.driver?.interceptGrpc?.(request) ?? request;
    return channels.call({ ...call, timeoutMs, group, metadata: metadataOf(grpc, metadata ?? []) });
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
      // the next call tries again: the package or the registry may be there then
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
      // the message contains neither the value nor the error, which repeats it: the value can be a secret
      throw metadataError(name, 'cannot be sent');
    }
  }
  return metadata;
}
