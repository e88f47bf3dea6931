import { Module, type CanActivate, type ExecutionContext, type INestApplication, type Type } from '@nestjs/common';
import type { ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { DtmModule, DtmService, type DtmModuleOptions } from 'nestjs-dtm';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { onTestFinished } from 'vitest';
import { freePorts } from '../../../services/free-ports.mjs';
import { LogBook } from '../app.js';
import { createAdapter, type Platform } from '../platforms.js';

/** How branches are called. */
export type Over = 'http' | 'grpc' | 'in-process';

/** A platform, and how its branches are called. */
export type Way = readonly [platform: Platform, over: Over];

/** Every way in which a branch is called. */
export const ways: Way[] = [
  ['express', 'http'],
  ['fastify', 'http'],
  ['express', 'in-process'],
  ['express', 'grpc'],
];

export interface StartOptions extends Pick<ModuleMetadata, 'imports' | 'providers'> {
  readonly controllers: Type[];
  readonly dtm?: Partial<DtmModuleOptions>;
  /** Called before the application listens. */
  readonly configure?: (app: INestApplication) => void | Promise<void>;
  /** Whether the microservice has the global guards, pipes and interceptors. @default true */
  readonly inheritAppConfig?: boolean;
  /** @default 127.0.0.1 */
  readonly host?: string;
}

export interface Started {
  readonly app: INestApplication;
  readonly dtm: DtmService;
  readonly logs: LogBook;
  /** Of the HTTP server. */
  readonly url: string;
  /** Of the gRPC server, `host:port`. */
  readonly grpc: string;
}

/** Starts a hybrid application with an embedded coordinator; closes it after the test. */
export async function startOver([platform, over]: Way, options: StartOptions): Promise<Started> {
  const { controllers, imports = [], providers = [], configure, inheritAppConfig = true, host = '127.0.0.1' } = options;
  const [port] = await freePorts(1);
  const grpc = `127.0.0.1:${port}`;
  const server = embeddedServer({ store: memoryStore(), pollIntervalSeconds: 0.02, retryIntervalSeconds: 1 });

  @Module({
    imports: [DtmModule.forRoot({ server, endpoint: { over, grpc }, ...options.dtm }), ...imports],
    providers,
    controllers,
  })
  class TestModule {}

  const logs = new LogBook();
  const app = await NestFactory.create(TestModule, createAdapter(platform), {
    logger: logs,
    forceCloseConnections: true,
    abortOnError: false,
  });
  onTestFinished(() => app.close());
  await configure?.(app);
  if (over === 'grpc') {
    app.connectMicroservice(dtmGrpcOptions(controllers, { url: grpc }) as MicroserviceOptions, { inheritAppConfig });
    await app.startAllMicroservices();
  }
  await app.listen(0, host);
  return { app, dtm: app.get(DtmService), logs, url: (await app.getUrl()).replace('[::1]', '127.0.0.1'), grpc };
}

/** A header of HTTP, or metadata of gRPC. */
export function headerOf(context: ExecutionContext, name: string): unknown {
  if (context.getType() === 'rpc') {
    return context.switchToRpc().getContext<{ get(name: string): unknown[] }>().get(name)[0];
  }
  return context.switchToHttp().getRequest<{ headers: Record<string, unknown> }>().headers[name];
}

/** Admits calls with this token. */
export function tokenGuard(token: () => string): CanActivate {
  return { canActivate: (context) => headerOf(context, 'authorization') === token() };
}
