import { answerError, parseAnswer, type RegistryHttpClient, type RegistryRequest } from '../registry-http-client.js';
import type { NacosOptions } from './nacos-options.js';

/** A request to an API of Nacos. */
export interface NacosRequest {
  /** HTTP method. */
  readonly method: RegistryRequest['method'];
  /** Path after the context path. */
  readonly path: string;
  /** Parameters; an empty parameter is sent, an undefined one is not. */
  readonly parameters: Readonly<Record<string, string | undefined>>;
  /** Path of the login. */
  readonly loginPath: string;
  /** Aborts the request. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** Nacos does not serve a version of the API. */
export class NacosApiMissingError extends Error {
  override readonly name = 'NacosApiMissingError';
}

/** Answers to a path that is not served: Nacos 2 answers 501, Nacos 3.2 answers 404 or 410. */
const MISSING: ReadonlySet<number> = new Set([404, 405, 410, 501]);

/** Answers to a request without a valid token. */
const FORBIDDEN: ReadonlySet<number> = new Set([401, 403]);

/** The life of a token when Nacos does not state it. */
const DEFAULT_TTL_SECONDS = 1800;

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/** Calls Nacos, as a user where the options name one: logs in first, again before the token expires, and when a token is refused. */
export class NacosSession {
  readonly #http: RegistryHttpClient;
  readonly #options: NacosOptions;
  #token: Promise<string> | undefined;
  /** When the token is renewed, in time before it expires. */
  #renewAt = Infinity;

  constructor(http: RegistryHttpClient, options: NacosOptions) {
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
   * @returns the body of the answer
   * @throws NacosApiMissingError when Nacos does not serve the path
   * @throws Error when Nacos does not answer 200
   */
  async send(request: NacosRequest): Promise<string> {
    const { loginPath, signal } = request;
    const token = await this.#loggedIn(loginPath);
    let answer = await this.#http.send({ ...this.#encode(request, token), signal });
    if (token !== undefined && FORBIDDEN.has(answer.status)) {
      this.#renewAt = 0;
      answer = await this.#http.send({ ...this.#encode(request, await this.#loggedIn(loginPath)), signal });
    }
    if (answer.status === 200) return answer.body;
    const { message } = answerError(answer);
    if (MISSING.has(answer.status)) throw new NacosApiMissingError(message);
    const remedy = FORBIDDEN.has(answer.status) && token === undefined ? '; give a user and a password' : '';
    throw new Error(message + remedy);
  }

  #encode({ method, path, parameters }: NacosRequest, token: string | undefined): RegistryRequest {
    const defined = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const text = new URLSearchParams(defined).toString();
    // not in the URL, which proxies log
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
    const { accessToken, tokenTtl } = parseAnswer(answer) as { accessToken?: unknown; tokenTtl?: unknown };
    if (typeof accessToken !== 'string') throw new Error('answered the login without a token');
    const ttlSeconds = typeof tokenTtl === 'number' && tokenTtl > 0 ? tokenTtl : DEFAULT_TTL_SECONDS;
    this.#renewAt = Date.now() + ttlSeconds * 900;
    return accessToken;
  }
}
