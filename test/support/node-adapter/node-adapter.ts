import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import {
  HttpException,
  RequestMethod,
  VERSION_NEUTRAL,
  VersioningType,
  type NestApplicationOptions,
  type VersioningOptions,
} from '@nestjs/common';
import { AbstractHttpAdapter } from '@nestjs/core';
import { jsonParser, urlencodedParser } from './body-parsers.js';
import { NodeRequest, NodeResponse } from './node-messages.js';
import { NodeRouter, type Middleware } from './node-router.js';

/**
 * Stand-in for the NodeAdapter of `@nestjs/platform-node`, which Nest recommends from 12.3 on. It behaves as documented:
 * handlers get the objects of `node:http`, middleware is Connect's, and the JSON parser is strict. It has what branches and
 * their tests need, and no more.
 */
export class NodeAdapter extends AbstractHttpAdapter<http.Server | https.Server, NodeRequest, NodeResponse> {
  declare protected instance: NodeRouter;
  readonly #connections = new Set<Socket>();

  constructor() {
    super(new NodeRouter());
  }

  getType(): string {
    return 'node';
  }

  initHttpServer({ httpsOptions, forceCloseConnections }: NestApplicationOptions): void {
    const classes = { IncomingMessage: NodeRequest, ServerResponse: NodeResponse };
    const listener = (request: NodeRequest, response: NodeResponse): void => {
      request.originalUrl = request.url!;
      this.instance.handle(request, response, (error) => this.#answerUnhandled(error, request, response));
    };
    this.httpServer = httpsOptions
      ? https.createServer({ ...httpsOptions, ...classes }, listener)
      : http.createServer(classes, listener);
    if (!forceCloseConnections) return;
    this.httpServer.on('connection', (socket: Socket) => {
      this.#connections.add(socket);
      socket.on('close', () => this.#connections.delete(socket));
    });
  }

  override listen(...args: unknown[]): unknown {
    return Reflect.apply(this.httpServer.listen, this.httpServer, args) as unknown;
  }

  close(): Promise<unknown> {
    for (const socket of this.#connections) socket.destroy();
    return new Promise((resolve) => this.httpServer.close(resolve));
  }

  registerParserMiddleware(_prefix?: string, rawBody = false): void {
    if (!this.instance.hasMiddleware('jsonParser')) this.instance.use(jsonParser(rawBody));
    if (!this.instance.hasMiddleware('urlencodedParser')) this.instance.use(urlencodedParser(rawBody));
  }

  createMiddlewareFactory(_method: RequestMethod) {
    return (path: string, callback: Function): NodeRouter => this.instance.use(path, callback as Middleware);
  }

  setErrorHandler(handler: Middleware): void {
    this.instance.use(handler);
  }

  setNotFoundHandler(handler: Middleware): void {
    this.instance.use(handler);
  }

  /** The parsers' errors carry a status. */
  override mapException(error: unknown): unknown {
    const { expose, statusCode, message } = error as { expose?: boolean; statusCode?: number; message?: string };
    const isOfClient = error instanceof Error && !(error instanceof HttpException) && expose && statusCode;
    return isOfClient ? new HttpException(message!, statusCode) : error;
  }

  getRequestHostname({ headers }: NodeRequest): string | undefined {
    return headers.host?.replace(/:\d+$/, '');
  }

  getRequestMethod({ method }: NodeRequest): string {
    return method!;
  }

  getRequestUrl({ originalUrl }: NodeRequest): string {
    return originalUrl;
  }

  status(response: NodeResponse, statusCode: number): NodeResponse {
    return response.status(statusCode);
  }

  reply(response: NodeResponse, body: unknown, statusCode?: number): void {
    if (statusCode !== undefined) response.status(statusCode);
    response.send(body);
  }

  end(response: NodeResponse, message?: string): void {
    response.end(message);
  }

  isHeadersSent(response: NodeResponse): boolean {
    return response.headersSent;
  }

  getHeader(response: NodeResponse, name: string): unknown {
    return response.getHeader(name);
  }

  setHeader(response: NodeResponse, name: string, value: string): void {
    response.setHeader(name, value);
  }

  appendHeader(response: NodeResponse, name: string, value: string): void {
    response.appendHeader(name, value);
  }

  applyVersionFilter(handler: Function, version: unknown, { type }: VersioningOptions) {
    if (version !== VERSION_NEUTRAL && type !== VersioningType.URI) throw new Error('the stand-in routes by path only');
    return (request: NodeRequest, response: NodeResponse, next: () => void) =>
      Reflect.apply(handler, undefined, [request, response, next]) as Function;
  }

  redirect(response: NodeResponse, statusCode: number, url: string): void {
    response.status(statusCode).set('Location', url).end();
  }

  render(): never {
    throw new Error('the stand-in has no views');
  }

  setViewEngine(): never {
    throw new Error('the stand-in has no views');
  }

  useStaticAssets(): never {
    throw new Error('the stand-in serves no files');
  }

  enableCors(): never {
    throw new Error('the stand-in knows no CORS');
  }

  #answerUnhandled(error: unknown, request: NodeRequest, response: NodeResponse): void {
    if (response.headersSent) {
      request.socket.destroy();
      return;
    }
    const { statusCode = error === undefined ? 404 : 500 } = (error ?? {}) as { statusCode?: number };
    response.status(statusCode).send(http.STATUS_CODES[statusCode]);
  }
}
