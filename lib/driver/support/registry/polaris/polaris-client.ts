import type * as Grpc from '@grpc/grpc-js';
import { formatHostPort, type HostPort } from '../../../../support/host-port.js';
import { loadGrpc } from '../../../../support/load-grpc.js';
import {
  INSTANCES,
  POLARIS_CODECS,
  type AnswerMessage,
  type DiscoverMessage,
  type InstanceMessage,
  type ServiceMessage,
} from './polaris-proto.js';

/** A call that changes an instance. */
export type InstanceCall = 'RegisterInstance' | 'Heartbeat' | 'DeregisterInstance';

/** Time-out of a single request. */
const REQUEST_TIMEOUT_MS = 3000;

/** Calls Polaris over gRPC: the server that answered last, and the next one when that server does not answer. */
export class PolarisClient {
  readonly #servers: readonly HostPort[];
  readonly #token: string | undefined;
  #current = 0;
  #client: Promise<Grpc.Client> | undefined;

  /**
   * @param servers - at least one
   * @param token - token of a user of Polaris. @default none
   */
  constructor(servers: readonly HostPort[], token?: string) {
    this.#servers = servers;
    this.#token = token;
  }

  /** Names the servers in messages. */
  get address(): string {
    return this.#servers.map(formatHostPort).join();
  }

  /**
   * Changes an instance.
   *
   * @returns the answer, whatever its code is
   * @throws Error when no server answers in time
   */
  change(call: InstanceCall, instance: InstanceMessage): Promise<AnswerMessage> {
    const { instance: request, answer } = POLARIS_CODECS;
    return this.#send(
      (client, metadata, options) =>
        new Promise((resolve, reject) => {
          client.makeUnaryRequest(
            `/v1.PolarisGRPC/${call}`,
            request.encode,
            (bytes) => answer.decode(bytes) as AnswerMessage,
            instance,
            metadata,
            options,
            (error, value) => (error ? reject(error) : resolve(value!)),
          );
        }),
    );
  }

  /**
   * Reads the instances of a service, each time on a new stream: an open stream would keep the process alive.
   *
   * @param service - with the revision that is known
   * @returns the answer, whatever its code is
   * @throws Error when no server answers in time
   */
  discover(service: ServiceMessage): Promise<DiscoverMessage> {
    const { discover, discovered } = POLARIS_CODECS;
    return this.#send(
      (client, metadata, options) =>
        new Promise((resolve, reject) => {
          const stream = client.makeBidiStreamRequest(
            '/v1.PolarisGRPC/Discover',
            discover.encode,
            (bytes) => discovered.decode(bytes) as DiscoverMessage,
            metadata,
            options,
          );
          stream.on('data', resolve);
          stream.on('error', reject);
          stream.on('end', () => reject(new Error('the stream ended without an answer')));
          stream.end({ type: INSTANCES, service });
        }),
    );
  }

  /** Closes the connection, and aborts the requests under way. */
  close(): void {
    this.#client?.then(
      (client) => client.close(),
      () => undefined,
    );
    this.#client = undefined;
  }

  async #send<Answer>(
    call: (client: Grpc.Client, metadata: Grpc.Metadata, options: Grpc.CallOptions) => Promise<Answer>,
  ): Promise<Answer> {
    const grpc = await loadGrpc();
    let problem: unknown;
    for (let tried = 0; tried < this.#servers.length; tried++) {
      const metadata = new grpc.Metadata();
      if (this.#token !== undefined) metadata.set('x-polaris-token', this.#token);
      try {
        return await call(await this.#connectedClient(), metadata, { deadline: Date.now() + REQUEST_TIMEOUT_MS });
      } catch (error) {
        problem = error;
        if (this.#servers.length > 1) this.#useNextServer();
      }
    }
    throw problem;
  }

  #useNextServer(): void {
    this.close();
    this.#current = (this.#current + 1) % this.#servers.length;
  }

  #connectedClient(): Promise<Grpc.Client> {
    return (this.#client ??= this.#connect(this.#servers[this.#current]!));
  }

  async #connect(server: HostPort): Promise<Grpc.Client> {
    const { Client, credentials } = await loadGrpc();
    return new Client(formatHostPort(server), credentials.createInsecure(), {
      'grpc.enable_http_proxy': 0,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.initial_reconnect_backoff_ms': 200,
      'grpc.max_reconnect_backoff_ms': 2000,
    });
  }
}
