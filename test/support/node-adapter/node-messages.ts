import { IncomingMessage, ServerResponse } from 'node:http';
import { parse } from 'node:querystring';

/** Request of `node:http` with what Nest and common middleware read. */
export class NodeRequest extends IncomingMessage {
  declare body: unknown;
  declare rawBody?: Buffer;
  declare params: Record<string, string>;
  declare originalUrl: string;
  #query: Record<string, unknown> | undefined;

  /** Parsed when it is first read. */
  get query(): Record<string, unknown> {
    this.#query ??= parse(this.originalUrl.split('?', 2)[1] ?? '');
    return this.#query;
  }
}

/** Response of `node:http` with Express's most common helpers. */
export class NodeResponse<T extends IncomingMessage = NodeRequest> extends ServerResponse<T> {
  status(code: number): this {
    this.statusCode = code;
    return this;
  }

  set(name: string, value: string): this {
    return this.setHeader(name, value);
  }

  json(body: unknown): this {
    return this.sendText(JSON.stringify(body), 'application/json; charset=utf-8');
  }

  send(body?: unknown): this {
    if (body === undefined || body === null) return this.end();
    return typeof body === 'object' ? this.json(body) : this.sendText(String(body), 'text/plain; charset=utf-8');
  }

  /** Sends text; the content type is used unless the response has one. */
  sendText(text: string, contentType: string): this {
    if (!this.hasHeader('Content-Type')) this.setHeader('Content-Type', contentType);
    this.setHeader('Content-Length', Buffer.byteLength(text));
    return this.end(text);
  }
}
