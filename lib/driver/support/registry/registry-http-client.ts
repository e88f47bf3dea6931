import { Agent, buildConnector, request, type Dispatcher } from 'undici';
import { errorText } from '../../../protocol/internal.js';
import { formatHostPort, type HostPort } from '../../../support/host-port.js';
import type { RegistryTls } from './registry-tls.js';

/** A request to a registry. */
export interface RegistryRequest {
  /** HTTP method. */
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path with query; values from outside are encoded. */
  readonly path: string;
  /** Request headers. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Request body. @default none */
  readonly body?: string | undefined;
  /** Time-out of the whole request. @default 3000 */
  readonly timeoutMs?: number | undefined;
  /** The registry may delay its answer; the wait does not keep the process alive. @default false */
  readonly isLongPoll?: boolean | undefined;
  /** Aborts the request. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** The answer of a registry. */
export interface RegistryAnswer {
  /** Status code. */
  readonly status: number;
  /** Response headers. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Response body. */
  readonly body: string;
}

/** A member of a registry whose API is not at the root of its host. */
export interface RegistryMember {
  /** Base URL without a slash at its end, e.g. `https://eureka:8761/eureka`. */
  readonly url: string;
  /** Headers of all requests, such as credentials. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Options of {@link RegistryHttpClient}. */
export interface RegistryHttpClientOptions {
  /** TLS of the connections. @default no TLS */
  readonly tls?: RegistryTls | undefined;
}

const TIMEOUT_MS = 3000;

/** Answers of a proxy without a member behind it, or of a member that is still starting. */
const UNAVAILABLE: ReadonlySet<number> = new Set([502, 503, 504]);

/** The most connections to a member for short requests: enough for a thousand watches that poll. */
const MAX_CONNECTIONS = 16;

/** The most bytes of an answer; no registry sends more. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Calls a registry over HTTP. It calls the member that answered last, and the next one when that member does not answer. */
export class RegistryHttpClient {
  readonly #members: readonly RegistryMember[];
  readonly #agent: Agent;
  readonly #pollingAgent: Agent;
  #current = 0;

  /** @param members - at least one */
  constructor(members: readonly (HostPort | RegistryMember)[], { tls }: RegistryHttpClientOptions = {}) {
    this.#members = members.map((member) =>
      'url' in member ? member : { url: `${tls ? 'https' : 'http'}://${formatHostPort(member)}` },
    );
    const connect = buildConnector({ timeout: TIMEOUT_MS, ...tls });
    const options = { headersTimeout: 0, bodyTimeout: 0, maxResponseSize: MAX_ANSWER_BYTES };
    this.#agent = new Agent({ ...options, connections: MAX_CONNECTIONS, connect });
    this.#pollingAgent = new Agent({ ...options, connect: unrefConnector(connect) });
  }

  /** Names the registry in messages. */
  get address(): string {
    return this.#members.map(({ url }) => url.replace(/^https?:\/\//, '')).join();
  }

  /**
   * Sends a request.
   *
   * @returns the answer, whatever its status is
   * @throws Error when no member answers in time
   */
  async send(message: RegistryRequest): Promise<RegistryAnswer> {
    let problem: unknown;
    for (let tried = 0; tried < this.#members.length; tried++) {
      const called = this.#current;
      try {
        const answer = await this.#send(this.#members[called]!, message);
        if (this.#members.length === 1 || !UNAVAILABLE.has(answer.status)) return answer;
        throw new Error(`answered ${answer.status}`);
      } catch (error) {
        message.signal?.throwIfAborted();
        problem = error;
        // another request may have moved on to the next member already
        if (this.#current === called) this.#current = (called + 1) % this.#members.length;
      }
    }
    throw new Error(errorText(problem), { cause: problem });
  }

  /**
   * Sends a request whose answer is a stream of lines. It does not keep the process alive, and calls the current member only.
   *
   * @returns the lines as they arrive
   * @throws Error when the member does not answer 200 in time
   */
  async lines(message: RegistryRequest): Promise<AsyncIterable<string>> {
    const answer = await this.#open(this.#members[this.#current]!, { ...message, isLongPoll: true });
    if (answer.statusCode === 200) return linesOf(answer.body);
    throw answerError({ status: answer.statusCode, body: await answer.body.text() });
  }

  /** Closes the connections, and aborts the requests under way. */
  close(): void {
    void this.#agent.destroy();
    void this.#pollingAgent.destroy();
  }

  async #send(member: RegistryMember, message: RegistryRequest): Promise<RegistryAnswer> {
    const { statusCode: status, headers, body } = await this.#open(member, message);
    return { status, headers, body: await body.text() };
  }

  #open(member: RegistryMember, message: RegistryRequest): Promise<Dispatcher.ResponseData> {
    const { method, path, body, timeoutMs = TIMEOUT_MS, isLongPoll = false, signal } = message;
    const timeout = AbortSignal.timeout(timeoutMs);
    return request(member.url + path, {
      dispatcher: isLongPoll ? this.#pollingAgent : this.#agent,
      method,
      headers: { ...member.headers, ...message.headers },
      ...(body !== undefined && { body }),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
  }
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

/**
 * Unrefs each new socket: undici keeps the socket of a running request referenced, which would keep the process alive.
 */
function unrefConnector(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) =>
    connect(options, (...[error, socket]) => {
      if (error) return callback(error, null);
      socket.unref();
      socket.ref = () => socket;
      callback(null, socket);
    });
}

/** The error for an answer that refuses a request: its status, and the beginning of its body. */
export function answerError({ status, body }: Pick<RegistryAnswer, 'status' | 'body'>): Error {
  return new Error(`answered ${status}: ${body.slice(0, 200)}`);
}

/** @throws Error unless the status is 2xx */
export function assertOk(answer: RegistryAnswer): void {
  if (answer.status < 200 || answer.status > 299) throw answerError(answer);
}

/**
 * Parses the body of an answer.
 *
 * @throws Error unless the status is 2xx and the body is JSON
 */
export function parseAnswer(answer: RegistryAnswer): unknown {
  assertOk(answer);
  try {
    return JSON.parse(answer.body) as unknown;
  } catch {
    throw answerError(answer);
  }
}
