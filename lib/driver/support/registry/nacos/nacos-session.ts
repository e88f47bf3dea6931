import { warnOnce } from '../../tools/warn-once.js';
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

/** Result of a login. A refusal is no error yet: a Nacos without access control refuses a login as well, or has none. */
interface Login {
  readonly token?: string;
  readonly refusal?: string;
}

const warn = warnOnce('DTM_NACOS_LOGIN');

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/**
 * Calls Nacos, as a user where the options name one: logs in first, again before the token expires, and when a token is
 * refused. When Nacos refuses the login, the request is sent without a token, as Go's client does. Nacos then decides
 * whether the request needs a login.
 */
export class NacosSession {
  readonly #http: RegistryHttpClient;
  readonly #options: NacosOptions;
  #login: Promise<Login> | undefined;
  /** When the next request logs in again: in time before the token expires. */
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
    let { token, refusal } = await this.#loggedIn(loginPath);
    let answer = await this.#http.send({ ...this.#encode(request, token), signal });
    if (token !== undefined && FORBIDDEN.has(answer.status)) {
      this.#renewAt = 0;
      ({ token, refusal } = await this.#loggedIn(loginPath));
      answer = await this.#http.send({ ...this.#encode(request, token), signal });
    }
    if (answer.status === 200) {
      if (refusal !== undefined) {
        warn(
          `nacos at ${this.#http.address} ${refusal}, but accepts requests without a login; remove the user, or enable access control`,
        );
      }
      return answer.body;
    }
    if (refusal !== undefined) this.#renewAt = 0;
    const { message } = answerError(answer);
    if (MISSING.has(answer.status)) throw new NacosApiMissingError(message);
    if (!FORBIDDEN.has(answer.status)) throw new Error(message);
    if (refusal !== undefined) throw new Error(`${refusal}; check user and password`);
    throw new Error(token === undefined ? `${message}; give a user and a password` : message);
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

  async #loggedIn(loginPath: string): Promise<Login> {
    const { user } = this.#options;
    if (user === undefined) return {};
    if (Date.now() >= this.#renewAt) this.#login = undefined;
    this.#login ??= this.#logIn(loginPath, user);
    const login = this.#login;
    try {
      return await login;
    } catch (error) {
      if (this.#login === login) this.#login = undefined;
      throw error;
    }
  }

  async #logIn(loginPath: string, user: string): Promise<Login> {
    this.#renewAt = Infinity;
    const body = new URLSearchParams({ username: user, password: this.#options.password ?? '' }).toString();
    const answer = await this.#http.send({ method: 'POST', path: this.#root + loginPath, headers: FORM, body });
    if (answer.status !== 200) {
      return { refusal: `answered ${answer.status} to the login of ${JSON.stringify(user)}` };
    }
    const { accessToken, tokenTtl } = parseAnswer(answer) as { accessToken?: unknown; tokenTtl?: unknown };
    if (typeof accessToken !== 'string') return { refusal: 'answered the login without a token' };
    const ttlSeconds = typeof tokenTtl === 'number' && tokenTtl > 0 ? tokenTtl : DEFAULT_TTL_SECONDS;
    this.#renewAt = Date.now() + ttlSeconds * 900;
    return { token: accessToken };
  }
}
