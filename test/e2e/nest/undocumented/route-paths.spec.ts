import { Controller, Module, Post, VERSION_NEUTRAL, Version, VersioningType } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer, RouterModule } from '@nestjs/core';
import { afterEach, describe, expect, test } from 'vitest';
import { applicationIdOf } from '../../../../lib/nest/undocumented/modules-container.js';
import { readRoute, type Route } from '../../../../lib/nest/undocumented/route-paths.js';
import { platforms } from '../platforms.js';
import { closePlainApps, startPlainApp, type PlainApp } from './plain-app.js';

@Controller({ path: ['bank', 'money'], version: '2' })
class BankController {
  @Post(['pay', 'out/'])
  pay(): void {}
  @Version(VERSION_NEUTRAL)
  @Post('neutral')
  neutral(): void {}
}

@Controller({ path: 'hosted', host: 'bank.example' })
class HostedController {
  @Post('pay')
  pay(): void {}
}

@Module({ controllers: [BankController, HostedController] })
class BankModule {}

afterEach(closePlainApps);

describe.each(platforms)('readRoute on %s', (platform) => {
  const start = (): Promise<PlainApp> =>
    startPlainApp(
      platform,
      { imports: [BankModule, RouterModule.register([{ path: 'eu', module: BankModule }])] },
      (_adapter, app) => void app.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI }),
    );
  const read = ({ app }: PlainApp, controller: new () => object, method: string): Route =>
    readRoute({
      controller,
      method,
      module: BankModule,
      config: app.get(ApplicationConfig),
      applicationId: applicationIdOf(app.get(ModulesContainer)),
    });

  test('gives the paths at which Nest serves a method', async () => {
    const app = await start();
    const { paths, version, host } = read(app, BankController, 'pay');
    expect(paths).toEqual([
      '/api/v2/eu/bank/pay',
      '/api/v2/eu/bank/out',
      '/api/v2/eu/money/pay',
      '/api/v2/eu/money/out',
    ]);
    for (const path of paths) expect((await fetch(app.url + path, { method: 'POST' })).status).toBe(201);
    expect([version, host]).toEqual(['2', undefined]);
  });

  test('gives version and host', async () => {
    const app = await start();
    expect(read(app, BankController, 'neutral').version).toBe(VERSION_NEUTRAL);
    expect(read(app, HostedController, 'pay').host).toBe('bank.example');
  });
});
