import { parse } from 'node:querystring';
import type { Middleware } from './node-router.js';

const LIMIT_BYTES = 100 * 1024;

/** Parses JSON objects and arrays; every other value is an error with status 400 and the text in `body`. */
export function jsonParser(keepsRaw: boolean): Middleware {
  return named('jsonParser', 'application/json', keepsRaw, (text) => {
    if (text === '') return {};
    if (!/^\s*[{[]/.test(text)) throw parseError(new SyntaxError(`Unexpected token in ${text.slice(0, 20)}`), text);
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      throw parseError(error as SyntaxError, text);
    }
  });
}

export function urlencodedParser(keepsRaw: boolean): Middleware {
  return named('urlencodedParser', 'application/x-www-form-urlencoded', keepsRaw, (text) => ({ ...parse(text) }));
}

/** A parser reads a body of its type once; the adapter finds it by its name. */
function named(name: string, type: string, keepsRaw: boolean, parseText: (text: string) => unknown): Middleware {
  const parser: Middleware = async (request, _response, next) => {
    const { headers } = request;
    const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
    const mediaType = headers['content-type']?.split(';', 1)[0]!.trim().toLowerCase();
    if (!hasBody || request.body !== undefined || mediaType !== type) return next();

    const chunks: Buffer[] = [];
    let length = 0;
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        length += chunk.length;
        // the rest is read and dropped, so that the connection stays usable
        if (length <= LIMIT_BYTES) chunks.push(chunk);
      }
      if (length > LIMIT_BYTES) throw httpError(new Error('request entity too large'), 413, 'entity.too.large');
      const bytes = Buffer.concat(chunks);
      if (keepsRaw) request.rawBody = bytes;
      request.body = parseText(bytes.toString());
    } catch (error) {
      return next(request.complete ? error : httpError(new Error('request aborted'), 400, 'request.aborted'));
    }
    next();
  };
  return Object.defineProperty(parser, 'name', { value: name });
}

function parseError(error: SyntaxError, body: string): Error {
  return Object.assign(httpError(error, 400, 'entity.parse.failed'), { body });
}

function httpError(error: Error, status: number, type: string): Error {
  return Object.assign(error, { status, statusCode: status, expose: true, type });
}
