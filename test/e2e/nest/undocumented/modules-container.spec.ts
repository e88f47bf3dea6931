import { Controller, Get, Module, type DynamicModule } from '@nestjs/common';
import { ModulesContainer, NestFactory } from '@nestjs/core';
import { expect, test } from 'vitest';
import {
  applicationIdOf,
  countModules,
  removeControllers,
} from '../../../../lib/nest/undocumented/modules-container.js';

@Module({})
class OptionsModule {
  static forRoot(value: number): DynamicModule {
    return { module: OptionsModule, providers: [{ provide: 'value', useValue: value }] };
  }
}

@Module({})
class PlainModule {}

@Module({ imports: [OptionsModule.forRoot(1), OptionsModule.forRoot(2), PlainModule] })
class AppModule {}

test('modules of a class are counted, and each application has an id', async () => {
  const apps = await Promise.all(
    [1, 2].map(() => NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false })),
  );
  const [first, second] = apps.map((app) => app.get(ModulesContainer));
  expect(countModules(first!, OptionsModule)).toBe(2);
  expect(countModules(first!, PlainModule)).toBe(1);
  expect(applicationIdOf(first!)).not.toBe(applicationIdOf(second!));
  await Promise.all(apps.map((app) => app.close()));
});

test('the controllers of a module are removed before Nest registers routes', async () => {
  @Controller('gone')
  class GoneController {
    @Get()
    get(): string {
      return 'gone';
    }
  }

  @Module({ controllers: [GoneController] })
  class GoneModule {
    constructor(private readonly modules: ModulesContainer) {}
    configure(): void {
      removeControllers(this.modules, GoneModule);
    }
  }

  const app = await NestFactory.create(GoneModule, { logger: false, abortOnError: false });
  await app.listen(0, '127.0.0.1');
  expect((await fetch(`${await app.getUrl()}/gone`)).status).toBe(404);
  await app.close();
});
