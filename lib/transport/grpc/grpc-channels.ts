import type * as Grpc from '@grpc/grpc-js';
import { GRPC_STATUS } from '../../protocol/internal.js';
import { redactUrls } from '../../support/redact-urls.js';
import { SlotsByServer } from '../../support/slots-by-server.js';
import type { GrpcConnectionOptions } from './grpc-connection-options.js';
import { tlsChannel, type GrpcTlsOptions } from './grpc-tls.js';
import { callUnary, type GrpcAnswer, type UnaryCall } from './unary-call.js';

export type { GrpcAnswer } from './unary-call.js';

/** A unary call to one of many servers. */
export interface GrpcCall extends UnaryCall {
  /** `host:port`, which is looked up in DNS, or a URL that a resolver of gRPC understands. */
  readonly server: string;
  /** Time-out of everything, including the connect. */
  readonly timeoutMs: number;
  /** Calls of one method and group share connections; other methods and groups do not wait for them. @default '' */
  readonly group?: string | undefined;
}

/** The channel to one server. */
interface Channel {
  readonly link: Grpc.ChannelInterface;
  /** Number of running calls. */
  calls: number;
  /** Start of the last call. */
  lastCall: number;
  /** Time of the last answer. */
  lastAnswer: number;
  /** A call timed out, and no answer has arrived since its start: the connection may be dead without an error. */
  isSilent: boolean;
  /** To be closed after the running calls. */
  isRetired: boolean;
}

/** Go servers close a connection that is pinged more often than every 5 minutes. */
const KEEPALIVE_MS = 360_000;

/**
 * Calls on the connection that all methods share. Servers allow a hundred at a time, or more (RFC 9113, section 6.5.2).
 * Further calls of a method get a connection of their own, so that hanging calls of one method do not stop the others.
 */
const SHARED_CALLS = 100;

const ROUND_ROBIN = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] });

/**
 * Channels for unary calls: one for each server, and one for each method with very many calls. A channel that failed to connect is replaced. Otherwise the back-off
 * of gRPC would fail calls for up to two minutes, in addition to the back-off of the coordinator.
 */
export class GrpcChannels {
  readonly #grpc: typeof Grpc;
  readonly #channelOptions: Grpc.ChannelOptions;
  readonly #credentials: Grpc.ChannelCredentials;
  readonly #maxServers: number;
  readonly #idleMs: number;
  readonly #channels = new Map<string, Channel>();
  readonly #slots = new SlotsByServer(SHARED_CALLS);
  #sweep: NodeJS.Timeout | undefined;

  /**
   * @param tls - options of TLS. @default no TLS
   * @throws DtmConfigError when certificates or keys cannot be read
   */
  constructor(grpc: typeof Grpc, options: GrpcConnectionOptions = {}, tls?: GrpcTlsOptions) {
    const secure = tls && tlsChannel(grpc, tls);
    this.#grpc = grpc;
    this.#credentials = secure?.credentials ?? grpc.credentials.createInsecure();
    this.#maxServers = options.maxServers ?? 1024;
    this.#idleMs = (options.idleSeconds ?? 60) * 1000;
    this.#channelOptions = {
      'grpc.service_config': ROUND_ROBIN,
      'grpc.service_config_disable_resolution': 1,
      'grpc.keepalive_time_ms': KEEPALIVE_MS,
      'grpc.max_receive_message_length': options.maxAnswerBytes ?? 4 * 1024 * 1024,
      'grpc.max_send_message_length': -1,
      // a connection belongs to one channel, and is closed with it
      'grpc.use_local_subchannel_pool': 1,
      // proxies of the environment are for the internet, not for internal services
      'grpc.enable_http_proxy': 0,
      'grpc.enable_channelz': 0,
      ...secure?.options,
    };
  }

  /**
   * Calls a server.
   *
   * @returns the answer of the server, or the status that explains why there is none
   * @throws Error when the address is malformed
   */
  async call({ server, timeoutMs, group = '', ...call }: GrpcCall): Promise<GrpcAnswer> {
    const party = `${group} ${call.method}`;
    const isShared = this.#slots.tryAcquire(server, party);
    try {
      const channel = this.#channelTo(server, isShared ? server : `${server} ${party}`);
      const answer = await this.#callOn(channel, call, timeoutMs);
      return server.includes('://') && hasWaitedForAddress(answer) ? noAddress(server, timeoutMs) : answer;
    } finally {
      if (isShared) this.#slots.release(server, party);
    }
  }

  #callOn(channel: Channel, call: UnaryCall, timeoutMs: number): Promise<GrpcAnswer> {
    const start = Date.now();
    return new Promise((resolve) => {
      callUnary(channel.link, call, start + timeoutMs, (answer) => {
        const isConnected = channel.link.getConnectivityState(false) === this.#grpc.connectivityState.READY;
        channel.calls -= 1;
        if (answer.code !== GRPC_STATUS.DEADLINE_EXCEEDED) channel.lastAnswer = Date.now();
        else if (channel.lastAnswer < start) channel.isSilent = true;
        if (channel.isRetired && channel.calls === 0) channel.link.close();
        resolve({ ...answer, isConnected });
      });
      channel.calls += 1;
      channel.lastCall = start;
    });
  }

  /** Closes all channels. Running calls end as if the servers were unavailable. Idempotent. */
  close(): void {
    clearInterval(this.#sweep);
    this.#sweep = undefined;
    for (const { link } of this.#channels.values()) link.close();
    this.#channels.clear();
  }

  #channelTo(server: string, key: string): Channel {
    const found = this.#channels.get(key);
    if (found && !found.isSilent && !this.#cannotConnect(found)) return found;
    if (found) this.#retire(key, found);
    if (this.#channels.size >= this.#maxServers) this.#makeRoom();
    const target = server.includes('://') ? server : `dns:${server}`;
    const channel: Channel = {
      link: new this.#grpc.Channel(target, this.#credentials, this.#channelOptions),
      calls: 0,
      lastCall: 0,
      lastAnswer: 0,
      isSilent: false,
      isRetired: false,
    };
    this.#channels.set(key, channel);
    this.#sweep ??= setInterval(() => this.#retireIdle(), this.#idleMs).unref();
    return channel;
  }

  #cannotConnect({ link }: Channel): boolean {
    return link.getConnectivityState(false) === this.#grpc.connectivityState.TRANSIENT_FAILURE;
  }

  #retire(key: string, channel: Channel): void {
    this.#channels.delete(key);
    channel.isRetired = true;
    if (channel.calls === 0) channel.link.close();
  }

  #makeRoom(): void {
    let oldest: [string, Channel] | undefined;
    for (const entry of this.#channels) {
      if (entry[1].calls === 0 && (!oldest || entry[1].lastCall < oldest[1].lastCall)) oldest = entry;
    }
    if (oldest) this.#retire(...oldest);
  }

  #retireIdle(): void {
    const before = Date.now() - this.#idleMs;
    for (const [key, channel] of this.#channels) {
      if (channel.calls === 0 && channel.lastCall <= before) this.#retire(key, channel);
    }
    if (this.#channels.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}

/** gRPC ends a call that has waited for the first address of a name like a call that a server has not answered. */
function hasWaitedForAddress({ code, details }: GrpcAnswer): boolean {
  return code === GRPC_STATUS.DEADLINE_EXCEEDED && details.endsWith('waiting for name resolution');
}

function noAddress(server: string, timeoutMs: number): GrpcAnswer {
  const details =
    `no address for ${redactUrls(server)} within ${timeoutMs / 1000} s: no healthy instance is registered, or the registry ` +
    'does not answer';
  return { code: GRPC_STATUS.UNAVAILABLE, details };
}
