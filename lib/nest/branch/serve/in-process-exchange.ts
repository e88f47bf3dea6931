import { Injectable } from '@nestjs/common';
import {
  DtmArgumentError,
  appendBranchQuery,
  createHttpHeaders,
  errorText,
  payloadText,
  type HttpAnswer,
  type InProcessBranchCall,
} from '../../../protocol/internal.js';
import { shareClass } from '../../../support/share-class.js';

/**
 * The request that guards, pipes and interceptors get for a branch call inside the process. It has what they read from a
 * request of HTTP, on every platform.
 */
@shareClass('InProcessRequest', Injectable)
export class InProcessRequest {
  readonly method = 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly params = {};
  /** The caller is this process. */
  readonly ip = '127.0.0.1';
  readonly ips: readonly string[] = [];
  readonly protocol = 'http';
  readonly hostname = 'localhost';
  /** Path without the query. */
  readonly path: string;
  /** The decoded payload. */
  body: unknown;
  readonly #call: InProcessBranchCall;
  #problem: string | undefined;

  /** @param call - as the coordinator makes it */
  constructor(call: InProcessBranchCall) {
    this.#call = call;
    this.body = this.#decode(payloadText(call.payload));
    const { context } = call;
    const [path, query] = call.path.split('?', 2) as [string, string?];
    this.path = path;
    this.headers = createHttpHeaders(call.headers);
    const own = query === undefined ? {} : Object.fromEntries(new URLSearchParams(query));
    this.query = {
      ...own,
      branch_id: context.branchId,
      gid: context.gid,
      op: context.op,
      trans_type: context.transType,
      ...(context.dtm === undefined ? {} : { dtm: context.dtm }),
      ...(context.phase2Url === undefined ? {} : { phase2_url: context.phase2Url }),
    };
  }

  /** @throws DtmArgumentError when the payload is no JSON; guards of the application do not see that, and neither does a method */
  assertReadable(): void {
    if (this.#problem !== undefined) throw new DtmArgumentError(`the payload is not valid JSON: ${this.#problem}`);
  }

  #decode(text: string): unknown {
    if (text === '') return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      this.#problem = errorText(error);
      return undefined;
    }
  }

  get url(): string {
    return appendBranchQuery(this.#call.path, this.#call.context);
  }

  get originalUrl(): string {
    return this.url;
  }

  /** Header by name, as in Express. */
  get(name: string): string | undefined {
    return this.headers[name.toLowerCase()];
  }

  header(name: string): string | undefined {
    return this.get(name);
  }
}

/** The response of such a call. Headers go nowhere, and a status does not change the outcome, as over HTTP. */
@shareClass('InProcessResponse', Injectable)
export class InProcessResponse {
  statusCode = 200;
  /** What the caller gets; undefined until the route has answered. */
  answer: HttpAnswer | undefined;
  /** Resolves when the answer is there, if that takes longer than the route. */
  answering: Promise<void> | undefined;
  readonly #headers = new Map<string, unknown>();

  get headersSent(): boolean {
    return this.answer !== undefined;
  }

  status(code: number): this {
    this.statusCode = code;
    return this;
  }

  setHeader(name: string, value: unknown): this {
    this.#headers.set(name.toLowerCase(), value);
    return this;
  }

  header(name: string, value: unknown): this {
    return this.setHeader(name, value);
  }

  set(name: string, value: unknown): this {
    return this.setHeader(name, value);
  }

  getHeader(name: string): unknown {
    return this.#headers.get(name.toLowerCase());
  }

  removeHeader(name: string): void {
    this.#headers.delete(name.toLowerCase());
  }
}
