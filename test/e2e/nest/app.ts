import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Logger, Module, type INestApplication, type LoggerService, type ModuleMetadata } from '@nestjs/common';
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core';
import { DtmModule, type DtmModuleOptions } from 'nestjs-dtm';
import { createAdapter, type Platform } from './platforms.js';
import { recordingServer, type RecordingServer } from './recording-server.js';

/** What was logged, by level: `error DtmBranch: text`. */
export class LogBook implements LoggerService {
  readonly lines: string[] = [];

  log(message: unknown, ...rest: unknown[]): void {
    this.#write('log', message, rest);
  }
  error(message: unknown, ...rest: unknown[]): void {
    this.#write('error', message, rest);
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.#write('warn', message, rest);
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.#write('debug', message, rest);
  }

  /** Lines of one logger. */
  of(context: string): string[] {
    return this.lines.filter((line) => line.includes(` ${context}: `));
  }

  #write(level: string, message: unknown, rest: unknown[]): void {
    const context = String(rest.at(-1));
    const stack = rest.length > 1 ? `\n${String(rest[0])}` : '';
    this.lines.push(`${level} ${context}: ${String(message)}${stack}`);
  }
}

export interface AppOptions extends Pick<ModuleMetadata, 'imports' | 'providers' | 'controllers'> {
  readonly platform?: Platform;
  /** Instead of the platform's. */
  readonly adapter?: AbstractHttpAdapter;
  readonly dtm?: Partial<DtmModuleOptions> & { readonly isGlobal?: boolean };
  readonly nest?: {
    readonly rawBody?: boolean;
    readonly bodyParser?: boolean;
    readonly httpsOptions?: object;
    readonly forceCloseConnections?: boolean;
  };
  /** Called before init. */
  readonly configure?: (app: INestApplication) => void;
  /** Do not listen. */
  readonly listen?: boolean;
}

export interface App {
  readonly app: INestApplication;
  readonly server: RecordingServer;
  readonly logs: LogBook;
  readonly url: string;
}

const apps: INestApplication[] = [];

/** A real application on a real port; {@link closeApps} ends it. */
export async function startApp(options: AppOptions): Promise<App> {
  const { platform = 'express', imports = [], providers = [], controllers = [], configure, listen = true } = options;
  const server = recordingServer();

  @Module({ imports: [DtmModule.forRoot({ server, ...options.dtm }), ...imports], providers, controllers })
  class TestModule {}

  const logs = new LogBook();
  const app = await NestFactory.create(TestModule, options.adapter ?? createAdapter(platform), {
    logger: logs,
    abortOnError: false,
    ...options.nest,
  });
  apps.push(app);
  configure?.(app);
  if (!listen) return { app, server, logs, url: '' };
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return { app, server, logs, url: `http://127.0.0.1:${port}` };
}

export async function closeApps(): Promise<void> {
  await Promise.all(apps.splice(0).map((app) => app.close()));
  Logger.overrideLogger(false);
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
}

export interface Call {
  readonly gid?: string;
  readonly transType?: string;
  readonly branchId?: string;
  readonly op?: string;
  readonly method?: string;
  /** Sent as JSON; none = GET. */
  readonly payload?: unknown;
  readonly headers?: Record<string, string>;
}

export function query(call: Call = {}): string {
  const { gid = 'g1', transType = 'saga', branchId = '01', op = 'action' } = call;
  return new URLSearchParams({ branch_id: branchId, gid, op, trans_type: transType }).toString();
}

/** Calls a branch the way dtm does. */
export async function callBranch(url: string, call: Call = {}): Promise<Answer> {
  return send(`${url}?${query(call)}`, call);
}

export async function send(url: string, { payload, method, headers }: Call = {}): Promise<Answer> {
  const answer = await fetch(url, {
    method: method ?? (payload === undefined ? 'GET' : 'POST'),
    headers: { 'content-type': 'application/json', ...headers },
    body: payload === undefined ? null : JSON.stringify(payload),
  });
  return { status: answer.status, body: await answer.text(), headers: answer.headers };
}

/** Sends bytes and gives back everything that comes, which must end with the connection. */
export function sendRaw(url: string, head: readonly string[], ...chunks: string[]): Promise<string> {
  const { hostname, port, host } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.on('data', (data) => (text += data.toString()));
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
    socket.write([...head, `Host: ${host}`, 'Connection: close', '', ''].join('\r\n'));
    for (const chunk of chunks) socket.write(chunk);
  });
}

/** A promise with its handles. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
