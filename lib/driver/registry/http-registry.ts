import { Agent, request } from 'undici';
import { hostPort, type Address } from '../host-port.js';
import { reasonOf } from '../keep-trying.js';

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

/** How a registry is reached over HTTP. */
export interface HttpRegistryOptions {
  /** Connects over TLS. Certificates and keys are PEM. @default plainly */
  readonly tls?: RegistryTls | undefined;
}

/** Certificates and keys, PEM. */
export interface RegistryTls {
  /** Certificates of the authorities that the registry is trusted by. @default those of Node */
  readonly ca?: string | Buffer | undefined;
  /** Own certificate, where the registry asks for one. @default none */
  readonly cert?: string | Buffer | undefined;
  /** Private key of {@link cert}. @default none */
  readonly key?: string | Buffer | undefined;
}

const TIMEOUT_MS = 3000;

/** Most bytes of an answer: a registry that sends more is none. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Talks to the members of a registry over HTTP: to the one that answered last, and when it does not, to the next one. */
export class HttpRegistry {
  readonly #origins: readonly string[];
  readonly #agent: Agent;
  #current = 0;

  /**
   * @param hosts - members, at least one
   * @param options - see {@link HttpRegistryOptions}
   */
  constructor(hosts: readonly Address[], { tls }: HttpRegistryOptions = {}) {
    this.#origins = hosts.map((host) => `${tls ? 'https' : 'http'}://${hostPort(host)}`);
    this.#agent = new Agent({
      connect: { timeout: TIMEOUT_MS, ...tls },
      headersTimeout: 0,
      bodyTimeout: 0,
      maxResponseSize: MAX_ANSWER_BYTES,
    });
  }

  /** Names it in messages. */
  get address(): string {
    return this.#origins.map((origin) => origin.replace(/^https?:\/\//, '')).join();
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
    for (let tried = 0; tried < this.#origins.length; tried++) {
      what.signal?.throwIfAborted();
      try {
        return await this.#send(this.#origins[this.#current]!, what);
      } catch (error) {
        problem = error;
        this.#current = (this.#current + 1) % this.#origins.length;
      }
    }
    throw new Error(reasonOf(problem), { cause: problem });
  }

  /** Ends its connections, and the requests under way. */
  close(): void {
    void this.#agent.destroy();
  }

  async #send(origin: string, what: RegistryRequest): Promise<RegistryAnswer> {
    const { method, path, headers, body, timeoutMs = TIMEOUT_MS } = what;
    const late = AbortSignal.timeout(timeoutMs);
    const answer = await request(origin + path, {
      dispatcher: this.#agent,
      method,
      ...(headers && { headers: { ...headers } }),
      ...(body !== undefined && { body }),
      signal: what.signal ? AbortSignal.any([what.signal, late]) : late,
    });
    return { status: answer.statusCode, headers: answer.headers, body: await answer.body.text() };
  }
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
