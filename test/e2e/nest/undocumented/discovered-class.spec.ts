import { Controller, Injectable, Module } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, NestFactory } from '@nestjs/core';
import { expect, test } from 'vitest';
import { findPrototype } from '../../../../lib/nest/undocumented/discovered-class.js';

@Injectable()
class Service {}
class Made {
  readonly made = true;
}
@Controller()
class BankController {}

@Module({
  imports: [DiscoveryModule],
  controllers: [BankController],
  providers: [
    Service,
    { provide: 'factory', useFactory: () => new Made() },
    { provide: 'value', useValue: 'text' },
    { provide: 'bare', useValue: Object.create(null) as object },
  ],
})
class AppModule {}

test('the prototype of a controller, a class, and the value of a factory', async () => {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const discovery = app.get(DiscoveryService);
  const [controller] = discovery.getControllers();
  expect(findPrototype(controller!)).toBe(BankController.prototype);
  expect(controller!.host?.metatype).toBe(AppModule);
  const providers = new Map(discovery.getProviders().map((provider) => [provider.token, findPrototype(provider)]));
  expect(providers.get(Service)).toBe(Service.prototype);
  expect(providers.get('factory')).toBe(Made.prototype);
  expect(providers.get('value')).toBeUndefined();
  expect(providers.get('bare')).toBeFalsy();
  await app.close();
});
