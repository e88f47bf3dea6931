import type * as Grpc from '@grpc/grpc-js';
import { formatHostPort } from '../../../../support/host-port.js';
import { loadGrpc } from '../../../../support/load-grpc.js';
import type { Address } from '../../lookup/address.js';
import {
  INSTANCES,
  POLARIS_CODECS,
  type AnswerMessage,
  type DiscoverMessage,
  type InstanceMessage,
  type ServiceMessage,
} from './polaris-proto.js';

/** What can be done with an instance. */
export type InstanceCall = 'RegisterInstance' | 'Heartbeat' | 'DeregisterInstance';

/** Longest time for a single request. */
const REQUEST_MS = 3000;

/** Talks to the servers of Polaris over gRPC: to the one that answered last, and when it does not, to the next one. */
export class PolarisClient {
  readonly #servers: readonly Address[];
  readonly #token: string | undefined;
  #current = 0;
  #client: Promise<Grpc.Client> | undefined;

  /**
   * @param servers - at least one
   * @param token - of a user of Polaris, where it asks for one
   */
  constructor(servers: readonly Address[], token?: string) {
    this.#servers = servers;
    this.#token = token;
  }

  /** Names it in messages. */
  get address(): string {
    return this.#servers.map(formatHostPort).join();
  }

  /**
   * Does something with an instance.
   *
   * @param call - what
   * @param instance - with which
   * @returns the answer, whatever its code
   * @throws Error when there is none in time
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
   * Asks for the instances of a service. Each time on a stream of its own: one that stays open would keep the process alive.
   *
   * @param service - with the revision that is known
   * @returns the answer, whatever its code
   * @throws Error when there is none in time
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
          stream.on('end', () => reject(new Error('it ended the conversation without an answer')));
          stream.end({ type: INSTANCES, service });
        }),
    );
  }

  /** Ends its connection, and the requests under way. */
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
        return await call(await this.#connected(), metadata, { deadline: Date.now() + REQUEST_MS });
      } catch (error) {
        problem = error;
        if (this.#servers.length > 1) this.#turn();
      }
    }
    throw problem;
  }

  #turn(): void {
    this.close();
    this.#current = (this.#current + 1) % this.#servers.length;
  }

  #connected(): Promise<Grpc.Client> {
    return (this.#client ??= this.#connect(this.#servers[this.#current]!));
  }

  async #connect(server: Address): Promise<Grpc.Client> {
    const { Client, credentials } = await loadGrpc();
    return new Client(formatHostPort(server), credentials.createInsecure(), {
      'grpc.enable_http_proxy': 0,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.initial_reconnect_backoff_ms': 200,
      'grpc.max_reconnect_backoff_ms': 2000,
    });
  }
}
