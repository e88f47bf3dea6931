import { jsonOf, type HttpRegistry, type RegistryRequest } from '../http-registry.js';
import type { NacosOptions } from './nacos-options.js';

/** A request to an API of Nacos. */
export interface NacosRequest {
  /** HTTP method. */
  readonly method: RegistryRequest['method'];
  /** Behind the context path. */
  readonly path: string;
  /** Parameters; empty ones are sent, undefined ones are not. */
  readonly parameters: Readonly<Record<string, string | undefined>>;
  /** Where its users log in. */
  readonly loginPath: string;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
}

/** Nacos has no such API. */
export class NacosApiMissingError extends Error {
  override readonly name = 'NacosApiMissingError';
}

/** Answers to paths that are not served: 2.x says 501, 3.2 says 404 or 410. */
const MISSING: ReadonlySet<number> = new Set([404, 405, 410, 501]);

/** Answers to who is not, or no longer, logged in. */
const FORBIDDEN: ReadonlySet<number> = new Set([401, 403]);

/** Talks to Nacos as a user, where there is one: logs in before the first request, before the login ends, and when it is refused. */
export class NacosSession {
  readonly #http: HttpRegistry;
  readonly #options: NacosOptions;
  #token: Promise<string> | undefined;
  /** In time before the login ends. */
  #renewAt = Infinity;

  /**
   * @param http - connection
   * @param options - see {@link NacosOptions}
   */
  constructor(http: HttpRegistry, options: NacosOptions) {
    this.#http = http;
    this.#options = options;
  }

  /** Id of the namespace. */
  get namespace(): string {
    return this.#options.namespace || 'public';
  }

  /**
   * Sends a request.
   *
   * @param request - is sent
   * @returns the body of the answer
   * @throws NacosApiMissingError when there is no such path
   * @throws Error when it was not answered with 200
   */
  async send(request: NacosRequest): Promise<string> {
    const { loginPath, signal } = request;
    const token = await this.#loggedIn(loginPath);
    let answer = await this.#http.send({ ...this.#written(request, token), signal });
    if (token !== undefined && FORBIDDEN.has(answer.status)) {
      this.#renewAt = 0;
      answer = await this.#http.send({ ...this.#written(request, await this.#loggedIn(loginPath)), signal });
    }
    if (answer.status === 200) return answer.body;
    const remedy = FORBIDDEN.has(answer.status) && token === undefined ? '; give it a user and password' : '';
    const message = `answered ${answer.status}: ${answer.body.slice(0, 200)}${remedy}`;
    throw MISSING.has(answer.status) ? new NacosApiMissingError(message) : new Error(message);
  }

  #written({ method, path, parameters }: NacosRequest, token: string | undefined): RegistryRequest {
    const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const text = new URLSearchParams(given).toString();
    // not in the URL, which ends up in logs
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    if (method !== 'POST') return { method, path: `${this.#root}${path}?${text}`, headers };
    return { method, path: this.#root + path, headers: { ...headers, ...FORM }, body: text };
  }

  get #root(): string {
    const { contextPath = '/nacos' } = this.#options;
    return contextPath.replace(/^\/*(?=.)/, '/').replace(/\/+$/, '');
  }

  async #loggedIn(loginPath: string): Promise<string | undefined> {
    const { user } = this.#options;
    if (user === undefined) return undefined;
    if (Date.now() >= this.#renewAt) this.#token = undefined;
    this.#token ??= this.#logIn(loginPath, user);
    const token = this.#token;
    try {
      return await token;
    } catch (error) {
      if (this.#token === token) this.#token = undefined;
      throw error;
    }
  }

  async #logIn(loginPath: string, user: string): Promise<string> {
    this.#renewAt = Infinity;
    const body = new URLSearchParams({ username: user, password: this.#options.password ?? '' }).toString();
    const answer = await this.#http.send({ method: 'POST', path: this.#root + loginPath, headers: FORM, body });
    if (MISSING.has(answer.status)) throw new NacosApiMissingError(`answered ${answer.status} to the login`);
    if (FORBIDDEN.has(answer.status)) {
      throw new Error(`answered ${answer.status} to the login of ${JSON.stringify(user)}; check user and password`);
    }
    const { accessToken, tokenTtl } = jsonOf(answer) as { accessToken?: unknown; tokenTtl?: unknown };
    if (typeof accessToken !== 'string') throw new Error('gave no token to who logged in');
    const ttlSeconds = typeof tokenTtl === 'number' && tokenTtl > 0 ? tokenTtl : DEFAULT_TTL_SECONDS;
    this.#renewAt = Date.now() + ttlSeconds * 900;
    return accessToken;
  }
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

const DEFAULT_TTL_SECONDS = 1800;
