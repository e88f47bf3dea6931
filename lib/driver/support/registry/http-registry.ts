import { Agent, buildConnector, request, type Dispatcher } from 'undici';
import { errorText } from '../../../protocol/internal.js';
import { formatHostPort } from '../../../support/host-port.js';
import type { Address } from '../lookup/address.js';
import type { RegistryTls } from './registry-tls.js';

/** A request to a registry. */
export interface RegistryRequest {
  /** HTTP method. */
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path with its query, from the first slash. What comes from outside is encoded. */
  readonly path: string;
  /** Request headers. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Body. @default none */
  readonly body?: string | undefined;
  /** Longest time for the whole request. @default 3000 */
  readonly timeoutMs?: number | undefined;
  /** The answer may be long in coming, and does not keep the process alive meanwhile. @default false */
  readonly isLongPoll?: boolean | undefined;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
}

/** What a registry answered. */
export interface RegistryAnswer {
  /** Status code. */
  readonly status: number;
  /** Response headers. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Body. */
  readonly body: string;
}

/** A member of a registry whose API is not at the root of its host. */
export interface RegistryMember {
  /** Where its paths begin, without a slash at the end, e.g. `https://eureka:8761/eureka`. */
  readonly url: string;
  /** Headers of all requests, such as a password. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** How a registry is reached over HTTP. */
export interface HttpRegistryOptions {
  /** Connects over TLS. Certificates and keys are PEM. @default plainly */
  readonly tls?: RegistryTls | undefined;
}

const TIMEOUT_MS = 3000;

/** A proxy without a member behind it, or a member that has not started yet. */
const UNAVAILABLE: ReadonlySet<number> = new Set([502, 503, 504]);

/** Most connections to a member for what is answered at once: a thousand watches that ask now and then need no more. */
const MAX_CONNECTIONS = 16;

/** Most bytes of an answer: a registry that sends more is none. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Talks to the members of a registry over HTTP: to the one that answered last, and when it does not, to the next one. */
export class HttpRegistry {
  readonly #members: readonly RegistryMember[];
  readonly #agent: Agent;
  readonly #pollingAgent: Agent;
  #current = 0;

  /**
   * @param hosts - members, at least one
   * @param options - see {@link HttpRegistryOptions}
   */
  constructor(hosts: readonly (Address | RegistryMember)[], { tls }: HttpRegistryOptions = {}) {
    this.#members = hosts.map((host) =>
      'url' in host ? host : { url: `${tls ? 'https' : 'http'}://${formatHostPort(host)}` },
    );
    const connect = buildConnector({ timeout: TIMEOUT_MS, ...tls });
    const options = { headersTimeout: 0, bodyTimeout: 0, maxResponseSize: MAX_ANSWER_BYTES };
    this.#agent = new Agent({ ...options, connections: MAX_CONNECTIONS, connect });
    this.#pollingAgent = new Agent({ ...options, connect: unrefd(connect) });
  }

  /** Names it in messages. */
  get address(): string {
    return this.#members.map(({ url }) => url.replace(/^https?:\/\//, '')).join();
  }

  /**
   * Sends a request.
   *
   * @param what - is sent
   * @returns the answer, whatever its status
   * @throws Error when no member answers in time
   */
  async send(what: RegistryRequest): Promise<RegistryAnswer> {
    let problem: unknown;
    for (let tried = 0; tried < this.#members.length; tried++) {
      const asked = this.#current;
      try {
        const answer = await this.#send(this.#members[asked]!, what);
        if (this.#members.length === 1 || !UNAVAILABLE.has(answer.status)) return answer;
        throw new Error(`answered ${answer.status}`);
      } catch (error) {
        what.signal?.throwIfAborted();
        problem = error;
        // another request may have gone on to the next one already
        if (this.#current === asked) this.#current = (asked + 1) % this.#members.length;
      }
    }
    throw new Error(errorText(problem), { cause: problem });
  }

  /**
   * Sends a request whose answer comes line by line, for as long as there is something to tell. It does not keep the process
   * alive, and does not look for another member.
   *
   * @param what - is sent
   * @returns the lines as they come
   * @throws Error when the member does not answer 200, or not in time
   */
  async lines(what: RegistryRequest): Promise<AsyncIterable<string>> {
    const answer = await this.#open(this.#members[this.#current]!, { ...what, isLongPoll: true });
    if (answer.statusCode === 200) return linesOf(answer.body);
    throw new Error(`answered ${answer.statusCode}: ${(await answer.body.text()).slice(0, 200)}`);
  }

  /** Ends its connections, and the requests under way. */
  close(): void {
    void this.#agent.destroy();
    void this.#pollingAgent.destroy();
  }

  async #send(member: RegistryMember, what: RegistryRequest): Promise<RegistryAnswer> {
    const { statusCode: status, headers, body } = await this.#open(member, what);
    return { status, headers, body: await body.text() };
  }

  #open(member: RegistryMember, what: RegistryRequest): Promise<Dispatcher.ResponseData> {
    const { method, path, body, timeoutMs = TIMEOUT_MS, isLongPoll = false } = what;
    const late = AbortSignal.timeout(timeoutMs);
    return request(member.url + path, {
      dispatcher: isLongPoll ? this.#pollingAgent : this.#agent,
      method,
      headers: { ...member.headers, ...what.headers },
      ...(body !== undefined && { body }),
      signal: what.signal ? AbortSignal.any([what.signal, late]) : late,
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

/** Undici has the sockets of requests under way keep the process alive. */
function unrefd(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) =>
    connect(options, (...[error, socket]) => {
      if (error) return callback(error, null);
      socket.unref();
      socket.ref = () => socket;
      callback(null, socket);
    });
}

/**
 * The JSON that a registry answered.
 *
 * @param answer - from it
 * @throws Error with its status and the beginning of what it said, when that is not 2xx, or no JSON
 */
export function jsonOf(answer: RegistryAnswer): unknown {
  try {
    if (answer.status >= 200 && answer.status < 300) return JSON.parse(answer.body) as unknown;
  } catch {
    // said below
  }
  throw new Error(`answered ${answer.status}: ${answer.body.slice(0, 200)}`);
}
