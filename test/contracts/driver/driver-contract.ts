import type { DriverRegistration, DtmDriver } from 'nestjs-dtm/driver';
import { DtmArgumentError, DtmConfigError } from 'nestjs-dtm/protocol';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import type { DriverFixture } from './driver-fixture.js';
import { callTo, startInstance, type Call, type Instance } from './instance.js';
import { freshName } from '../../support/fresh-name.js';

/** The longest wait for a change that the registry makes by itself, such as dropping a dead instance. */
const TIMEOUT_MS = 90_000;

const HOSTILE = ['../other', 'a/../../b', 'a b', 'bänk', 'a\u0000b', 'a\nb', '.', '..', '', 'x'.repeat(300)];

/**
 * The contract of every driver with a registry, against the real registry.
 *
 * @param title - driver and registry
 * @param fixtureOf - returns the fixture; called after the setup of the suite
 */
export function driverContract(title: string, fixtureOf: () => DriverFixture): void {
  describe(`${title} keeps the contract of drivers:`, { timeout: 180_000 }, () => {
    const service = (): string => freshName('bank');

    const register = async (
      driver: DtmDriver,
      of: string,
      { address }: Pick<Instance, 'address'>,
      report?: (problem: string | undefined) => void,
    ): Promise<DriverRegistration> => {
      const { target, endpoint } = fixtureOf().registration(of, address);
      const registration = await driver.registerService(target, endpoint, { report });
      onTestFinished(() => registration.close().catch(() => undefined));
      return registration;
    };
    const driverOf = (): DtmDriver => {
      const driver = fixtureOf().driver();
      onTestFinished(() => driver.close?.());
      return driver;
    };
    const until = (call: Call, answer: string | RegExp): Promise<void> =>
      expect.poll(() => call().catch(String), { timeout: TIMEOUT_MS }).toMatch(answer);

    let isDown = false;
    const kill = async (): Promise<void> => {
      isDown = true;
      await fixtureOf().server.kill();
    };
    const restart = async (): Promise<void> => {
      await fixtureOf().server.restart();
      isDown = false;
    };
    afterEach(() => (isDown ? restart() : undefined));

    it('a service is found after its registration, and not after its deregistration', async () => {
      const [driver, one, name] = [driverOf(), await startInstance(fixtureOf().protocol), service()];
      const reports: (string | undefined)[] = [];
      const registration = await register(driver, name, one, (problem) => reports.push(problem));
      expect(registration.problem).toBeUndefined();
      expect(reports).toEqual([undefined]);
      const call = await callTo(fixtureOf(), driver, name);
      await until(call, one.address);
      await registration.close();
      await registration.close();
      await until(call, /no healthy instance|no address/);
    });

    it('a call to a service that was never registered waits for the first instance', async () => {
      const [driver, one, name] = [driverOf(), await startInstance(fixtureOf().protocol), service()];
      const call = await callTo(fixtureOf(), driver, name);
      const early = call();
      await register(driver, name, one);
      expect(await early).toBe(one.address);
    });

    it('all instances are called, and the remaining ones after one is deregistered', async () => {
      const [driver, name] = [driverOf(), service()];
      const [one, other] = [await startInstance(fixtureOf().protocol), await startInstance(fixtureOf().protocol)];
      const [first] = [await register(driver, name, one), await register(fixtureOf().driver(), name, other)];
      const call = await callTo(fixtureOf(), driver, name);
      await until(call, one.address);
      await until(call, other.address);
      await first.close();
      await expect
        .poll(async () => new Set(await Promise.all(Array.from({ length: 20 }, () => call()))), { timeout: TIMEOUT_MS })
        .toEqual(new Set([other.address]));
    });

    it('when an instance dies, no call is lost beyond the retry', async () => {
      const [driver, name] = [driverOf(), service()];
      const [one, other] = [await startInstance(fixtureOf().protocol), await startInstance(fixtureOf().protocol)];
      await register(driver, name, one);
      await register(fixtureOf().driver(), name, other);
      const call = await callTo(fixtureOf(), driver, name);
      await until(call, one.address);
      await until(call, other.address);
      await one.stop();
      for (let index = 0; index < 30; index++) {
        // a call may go to the dead instance until the registry has dropped it
        await expect.poll(() => call().catch(String), { interval: 10 }).toBe(other.address);
      }
    });

    it('a registration that a restart of the registry loses is made again', async () => {
      const [driver, one, name] = [driverOf(), await startInstance(fixtureOf().protocol), service()];
      const registration = await register(driver, name, one);
      const call = await callTo(fixtureOf(), driver, name);
      await until(call, one.address);
      await kill();
      // known addresses stay in use while the registry is down
      await expect(call()).resolves.toBe(one.address);
      await restart();
      await expect.poll(() => registration.problem, { timeout: TIMEOUT_MS }).toBeUndefined();
      await until(await callTo(fixtureOf(), fixtureOf().driver(), name), one.address);
    });

    it('a registry may be down: the registration reports the problem, and succeeds when the registry is back', async () => {
      const [driver, one, name] = [driverOf(), await startInstance(fixtureOf().protocol), service()];
      await kill();
      const reports: (string | undefined)[] = [];
      const registration = await register(driver, name, one, (problem) => reports.push(problem));
      expect(registration.problem).toMatch(/\S/);
      expect(reports).toEqual([registration.problem]);
      const call = await callTo(fixtureOf(), driver, name);
      await expect(call()).rejects.toThrow(/no address/);
      await restart();
      await expect.poll(() => registration.problem, { timeout: TIMEOUT_MS }).toBeUndefined();
      expect(reports.at(-1)).toBeUndefined();
      await until(call, one.address);
    });

    it('a registration can be closed while the registry is down', async () => {
      const [driver, one, name] = [driverOf(), await startInstance(fixtureOf().protocol), service()];
      const registration = await register(driver, name, one);
      await kill();
      // with or without an error, the close ends
      await registration.close().catch(() => undefined);
    });

    it('a malformed entry is ignored', async ({ skip }) => {
      const fixture = fixtureOf();
      if (!fixture.writeMalformed) return skip('the registry takes no such entry');
      const [driver, one, name] = [driverOf(), await startInstance(fixture.protocol), service()];
      await register(driver, name, one);
      await fixture.writeMalformed(name);
      const call = await callTo(fixture, driver, name);
      await until(call, one.address);
      for (let index = 0; index < 10; index++) await expect(call()).resolves.toBe(one.address);
    });

    it.each(HOSTILE)('the name %j reaches no registry', async (hostile) => {
      const driver = driverOf();
      const { target, endpoint } = fixtureOf().registration(hostile, '127.0.0.1:1');
      const refused = async (): Promise<unknown> => driver.registerService(target, endpoint);
      const error = await refused().catch((thrown: unknown) => thrown);
      expect(error instanceof DtmConfigError || error instanceof DtmArgumentError, String(error)).toBe(true);
      // some names lead to another service, whose first instance a call waits for
      await expect(callTo(fixtureOf(), driver, hostile, 500).then((call) => call())).rejects.toThrow(/./);
    });

    it.each(['', 'nonsense', '127.0.0.1', '127.0.0.1:0', '127.0.0.1:70000', '0.0.0.0:80'])(
      'the endpoint %j is refused before anything is registered',
      async (address) => {
        const { target, endpoint } = fixtureOf().registration(service(), address);
        const driver = driverOf();
        expect(() => driver.prepareService?.(target, endpoint)).toThrow(DtmConfigError);
        await expect(driver.registerService(target, endpoint)).rejects.toThrow(DtmConfigError);
      },
    );
  });
}
