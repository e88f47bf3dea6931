import { DtmArgumentError } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { defaultDriver } from '../../../lib/driver/index.js';

describe('the default driver', () => {
  const driver = defaultDriver();

  it.each([
    ['h:9000/b.B/In', 'h:9000', '/b.B/In'],
    ['127.0.0.1:8080/package.service/method', '127.0.0.1:8080', '/package.service/method'],
  ])('calls %s', (uri, server, method) => {
    expect(driver.parseServerMethod(uri)).toEqual({ server, method });
  });

  it.each(['', 'noslash', 'h:9000'])("refuses '%s', which names no method", (uri) => {
    expect(() => driver.parseServerMethod(uri)).toThrow(`branch URL '${uri}' is invalid: no '/' found`);
    expect(() => driver.parseServerMethod(uri)).toThrow(DtmArgumentError);
  });

  it.each([
    'etcd://h:2379/trans/b.B/In',
    'etcd:///trans/b.B/In',
    'direct:///a:1,b:2/b.B/In',
    'consul://h:8500/s?wait=14s/b.B/In',
    'discovery:///busi/b.B/In',
    'polaris://svc/b.B/In?namespace=Test',
    'grpc://h:9000/b.B/In',
    'etcd://[x/s/m',
  ])('refuses %s, and names the driver to use', (uri) => {
    expect(() => driver.parseServerMethod(uri)).toThrow(/the driver default accepts host:port.*; for \w+:\/\/ use /);
  });

  it.each(['/b.B/In', 'h:1//b.B/In', 'h/b.B/In', 'h:9000/In'])('refuses %s, which could never be called', (uri) => {
    expect(() => driver.parseServerMethod(uri)).toThrow(/as host:port\/pkg.Service\/Method/);
  });

  it('has neither resolver nor registry', async () => {
    expect(await driver.registerGrpcResolver()).toBeUndefined();
    const registration = await driver.registerService('etcd://h/dtmservice', 'localhost:36790');
    expect(registration.problem).toMatch(/^the option register has no effect: the driver default registers nothing; /);
    await registration.close();
    await expect(registration.close()).resolves.toBeUndefined();
  });
});
