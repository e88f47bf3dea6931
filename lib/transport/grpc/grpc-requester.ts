import type * as Grpc from '@grpc/grpc-js';
import type { DtmDriver } from '../../driver/index.js';
import { DtmArgumentError } from '../../protocol/index.js';
import { GrpcChannels, type GrpcAnswer } from './grpc-channels.js';
import type { GrpcOptions } from './grpc-options.js';
import type { GrpcTls } from './grpc-tls.js';
import { loadGrpc } from './load-grpc.js';

/** Options of {@link GrpcRequester}. */
export interface GrpcRequesterOptions extends GrpcOptions {
  /** Connects over TLS. @default plainly */
  readonly tls?: GrpcTls | undefined;
  /** Makes its addresses known to gRPC before the first call. @default only those that gRPC knows by itself */
  readonly driver?: Pick<DtmDriver, 'registerGrpcResolver'> | undefined;
}

/** A unary call. */
export interface GrpcRequest {
  /** `host:port`, or what a resolver of gRPC understands. */
  readonly server: string;
  /** Full method, `/pkg.Service/Method`. */
  readonly method: string;
  /** The message. */
  readonly message: Buffer;
  /** Metadata by name; that of a name ending in `-bin` is sent as bytes. @default none */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
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
  async request({ metadata, ...call }: GrpcRequest): Promise<GrpcAnswer> {
    const { grpc, channels } = await this.#open();
    if (this.#isClosed) throw new Error('it was closed');
    const answer = channels.call({ ...call, metadata: metadataOf(grpc, metadata ?? {}) });
    this.#calls.add(answer);
    try {
      return await answer;
    } finally {
      this.#calls.delete(answer);
    }
  }

  /** Closes the channels after the calls under way. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#calls);
    const connections = await this.#connections?.catch(() => undefined);
    connections?.channels.close();
  }

  #open(): Promise<Connections> {
    return (this.#connections ??= this.#load());
  }

  async #load(): Promise<Connections> {
    try {
      const grpc = await loadGrpc();
      await this.#options.driver?.registerGrpcResolver();
      return { grpc, channels: new GrpcChannels(grpc, this.#options, this.#options.tls) };
    } catch (error) {
      // what was missing may be there next time
      this.#connections = undefined;
      throw error;
    }
  }
}

function metadataOf(grpc: typeof Grpc, entries: Readonly<Record<string, string>>): Grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(entries)) {
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
