import { writeHttpOutcome, errorOutcome, type HttpAnswer } from '../../../protocol/internal.js';
import { AnswersUnreadError, type AnswerClient } from '../answer-budget.js';

/** A request as a handler sees it. */
export interface ApiRequest {
  /** Query parameters. */
  readonly query: URLSearchParams;
  /** The whole body; `''` unless the method is POST. */
  readonly body: string;
  /** Part of the path that `*` of the route matched. */
  readonly wildcard: string;
  readonly client: AnswerClient;
}

/** An answer, JSON by default. */
export interface ApiAnswer extends Omit<HttpAnswer, 'body'> {
  readonly body: string | Buffer;
  /** @default 'application/json; charset=utf-8' */
  readonly contentType?: string | undefined;
  /** Target of a redirect. */
  readonly location?: string | undefined;
}

/** Answers a request. A thrown error becomes the answer that docs/protocol.md#http-answers lists. */
export type Handler = (request: ApiRequest) => Promise<ApiAnswer>;

/** Handlers by method and path: `GET /api/ping`, `DELETE /topic/*`. */
export type Routes = Readonly<Record<string, Handler>>;

/** The route of a request. */
export interface RouteMatch {
  /** Last segment of the route in lower case. */
  readonly name: string;
  readonly handler: Handler;
  /** Part of the path that `*` of the route matched. */
  readonly wildcard: string;
}

/** Finds the handler of a request. */
export class Router {
  readonly #exact = new Map<string, RouteMatch>();
  readonly #prefixes: { readonly prefix: string; readonly match: RouteMatch }[] = [];

  constructor(routes: Routes) {
    for (const [route, handler] of Object.entries(routes)) {
      const match = { name: nameOf(route), handler, wildcard: '' };
      if (route.endsWith('*')) this.#prefixes.push({ prefix: route.slice(0, -1), match });
      else this.#exact.set(route, match);
    }
  }

  /**
   * Finds the route of a request.
   *
   * @param method - HTTP method
   * @param path - without the query
   * @param search - the query without `?`
   * @returns undefined when no route matches
   */
  find(method: string, path: string, search: string): RouteMatch | undefined {
    const exact = this.#exact.get(`${method} ${path}`);
    if (exact) return exact;
    for (const { prefix, match } of this.#prefixes) {
      const wildcard = `${method} ${path}`.startsWith(prefix) ? `${method} ${path}`.slice(prefix.length) : '';
      if (wildcard && !wildcard.includes('/')) return { ...match, wildcard };
    }
    const trimmed = path.replace(/\/+$/, '');
    if (trimmed !== path && this.#exact.has(`${method} ${trimmed}`)) {
      const location = search ? `${trimmed}?${search}` : trimmed;
      return { name: nameOf(trimmed), handler: async () => redirect(method, location), wildcard: '' };
    }
    return undefined;
  }
}

/** The answer to an operation that failed. */
export function errorAnswer(error: unknown): ApiAnswer {
  const answer = writeHttpOutcome(errorOutcome(error));
  return error instanceof AnswersUnreadError ? { ...answer, status: 503 } : answer;
}

function nameOf(route: string): string {
  return (route.replace(/\/\*$/, '').split('/').at(-1) ?? '').toLowerCase();
}

function redirect(method: string, location: string): ApiAnswer {
  return { status: method === 'GET' ? 301 : 307, body: '', location };
}
