import type { AddressInfo } from 'node:net';
import { Logger, Module, type INestApplication, type ModuleMetadata } from '@nestjs/common';
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core';
import { createAdapter, type Platform } from '../platforms.js';

const apps: INestApplication[] = [];

export interface PlainApp {
  readonly app: INestApplication;
  readonly url: string;
}

/**
 * A Nest application without this package, for what Nest itself does.
 *
 * @param platform - HTTP framework
 * @param metadata - of the root module
 * @param configure - gets the adapter where DtmModule gets it: after the parsers, before the routes
 */
export async function startPlainApp(
  platform: Platform,
  metadata: ModuleMetadata,
  configure: (adapter: AbstractHttpAdapter, app: INestApplication) => void = () => undefined,
): Promise<PlainApp> {
  const adapter = createAdapter(platform);

  @Module(metadata)
  class TestModule {
    configure(): void {
      configure(adapter, app);
    }
  }

  const app = await NestFactory.create(TestModule, adapter, { logger: false, abortOnError: false });
  apps.push(app);
  await app.listen(0, '127.0.0.1');
  return { app, url: `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}` };
}

export async function closePlainApps(): Promise<void> {
  await Promise.all(apps.splice(0).map((app) => app.close()));
  Logger.overrideLogger(false);
}
