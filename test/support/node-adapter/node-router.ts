import type { NodeRequest, NodeResponse } from './node-messages.js';

export type Next = (error?: unknown) => void;

export type Middleware = (request: NodeRequest, response: NodeResponse, next: Next) => unknown;

type ErrorMiddleware = (error: unknown, request: NodeRequest, response: NodeResponse, next: Next) => unknown;

type Params = Record<string, string>;

interface Layer {
  readonly handler: Middleware | ErrorMiddleware;
  /** Connect tells middleware for errors by its four parameters. */
  readonly isForErrors: boolean;
  match(method: string, path: string): Params | undefined;
}

/** Connect's stack of middleware and routes, in the order of their registration. */
export class NodeRouter {
  readonly #layers: Layer[] = [];

  readonly get = this.#verb('GET');
  readonly post = this.#verb('POST');
  readonly put = this.#verb('PUT');
  readonly patch = this.#verb('PATCH');
  readonly delete = this.#verb('DELETE');
  readonly head = this.#verb('HEAD');
  readonly options = this.#verb('OPTIONS');
  readonly all = this.#verb(undefined);

  use(...args: (string | Middleware)[]): this {
    const prefix = typeof args[0] === 'string' ? pattern(args[0], '(?:/.*)?') : undefined;
    for (const handler of args.filter((arg) => typeof arg === 'function')) {
      this.#layers.push({
        handler,
        isForErrors: handler.length === 4,
        match: (_method, path) => (prefix ? paramsOf(prefix.exec(path)) : {}),
      });
    }
    return this;
  }

  /** Whether the stack has middleware of this function name. */
  hasMiddleware(name: string): boolean {
    return this.#layers.some(({ handler }) => handler.name === name);
  }

  /**
   * Runs the stack.
   *
   * @param final - is called when no layer has answered
   */
  handle(request: NodeRequest, response: NodeResponse, final: (error?: unknown) => void): void {
    let path: string;
    let index = 0;
    const next: Next = (error) => {
      while (index < this.#layers.length) {
        const layer = this.#layers[index++]!;
        if (layer.isForErrors !== (error !== undefined)) continue;
        const params = layer.match(request.method!, path);
        if (!params) continue;
        request.params = params;
        return void run(layer, error, request, response, next);
      }
      final(error);
    };
    try {
      path = decodeURI(request.originalUrl.split('?', 1)[0]!);
      next();
    } catch (error) {
      path = '';
      next(error);
    }
  }

  #verb(verb: string | undefined) {
    return (path: string, ...handlers: Middleware[]): this => {
      const expected = pattern(path, '/?');
      for (const handler of handlers) {
        this.#layers.push({
          handler,
          isForErrors: false,
          match: (method, actual) =>
            verb === undefined || verb === method || (verb === 'GET' && method === 'HEAD')
              ? paramsOf(expected.exec(actual))
              : undefined,
        });
      }
      return this;
    };
  }
}

async function run(
  { handler, isForErrors }: Layer,
  error: unknown,
  request: NodeRequest,
  response: NodeResponse,
  next: Next,
): Promise<void> {
  try {
    await (isForErrors
      ? (handler as ErrorMiddleware)(error, request, response, next)
      : (handler as Middleware)(request, response, next));
  } catch (thrown) {
    next(thrown);
  }
}

/** A path of fixed segments, `:name` for one segment and `*name` for the rest. */
function pattern(path: string, end: string): RegExp {
  const source = path
    .replace(/\/+$/, '')
    .replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)
    .replace(/:(\w+)/g, '(?<$1>[^/]+)')
    .replace(/\*(\w+)/g, '(?<$1>.+)');
  return new RegExp(`^${source}${end}$`, 'i');
}

function paramsOf(match: RegExpExecArray | null): Params | undefined {
  return match ? { ...match.groups } : undefined;
}
