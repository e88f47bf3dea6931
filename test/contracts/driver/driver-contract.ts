import type { DriverRegistration, DtmDriver } from 'nestjs-dtm/driver';
import { DtmArgumentError, DtmConfigError } from 'nestjs-dtm/protocol';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import type { DriverBed } from './driver-bed.js';
import { asking, startInstance, type Ask, type Instance } from './instance.js';
import { freshName } from '../../support/fresh-name.js';

/** Longest wait for what a registry does in its own time, e.g. drops an instance that is silent. */
const PATIENCE_MS = 90_000;

const HOSTILE = ['../other', 'a/../../b', 'a b', 'bänk', 'a\u0000b', 'a\nb', '.', '..', '', 'x'.repeat(300)];

/**
 * What every driver with a registry keeps to, against the real registry.
 *
 * @param title - names driver and registry
 * @param bedOf - the bed, made before the cases
 */
export function driverContract(title: string, bedOf: () => DriverBed): void {
  describe(`${title} keeps the contract of drivers:`, { timeout: 180_000 }, () => {
    const service = (): string => freshName('bank');

    const register = async (
      driver: DtmDriver,
      of: string,
      { address }: Pick<Instance, 'address'>,
      report?: (problem: string | undefined) => void,
    ): Promise<DriverRegistration> => {
      const { target, endpoint } = bedOf().registration(of, address);
      const registration = await driver.registerService(target, endpoint, { report });
      onTestFinished(() => registration.close().catch(() => undefined));
      return registration;
    };
    const driverOf = (): DtmDriver => {
      const driver = bedOf().driver();
      onTestFinished(() => driver.close?.());
      return driver;
    };
    const until = (ask: Ask, answer: string | RegExp): Promise<void> =>
      expect.poll(() => ask().catch(String), { timeout: PATIENCE_MS }).toMatch(answer);

    let isDown = false;
    const kill = async (): Promise<void> => {
      isDown = true;
      await bedOf().server.kill();
    };
    const restart = async (): Promise<void> => {
      await bedOf().server.restart();
      isDown = false;
    };
    afterEach(() => (isDown ? restart() : undefined));

    it('a service is found after its registration, and not after its deregistration', async () => {
      const [driver, one, name] = [driverOf(), await startInstance(bedOf().over), service()];
      const reports: (string | undefined)[] = [];
      const registration = await register(driver, name, one, (problem) => reports.push(problem));
      expect(registration.problem).toBeUndefined();
      expect(reports).toEqual([undefined]);
      const ask = await asking(bedOf(), driver, name);
      await until(ask, one.address);
      await registration.close();
      await registration.close();
      await until(ask, /no healthy instance|no address/);
    });

    it('a service cannot be called before its registration, and can be called after it', async () => {
      const [driver, one, name] = [driverOf(), await startInstance(bedOf().over), service()];
      const ask = await asking(bedOf(), driver, name);
      await expect(ask()).rejects.toThrow(/no address|no healthy instance/);
      await register(driver, name, one);
      await until(ask, one.address);
    });

    it('all instances are called, and the remaining ones after one is deregistered', async () => {
      const [driver, name] = [driverOf(), service()];
      const [one, other] = [await startInstance(bedOf().over), await startInstance(bedOf().over)];
      const [first] = [await register(driver, name, one), await register(bedOf().driver(), name, other)];
      const ask = await asking(bedOf(), driver, name);
      await until(ask, one.address);
      await until(ask, other.address);
      await first.close();
      await expect
        .poll(async () => new Set(await Promise.all(Array.from({ length: 20 }, () => ask()))), { timeout: PATIENCE_MS })
        .toEqual(new Set([other.address]));
    });

    it('when an instance dies, no call is lost beyond the retry', async () => {
      const [driver, name] = [driverOf(), service()];
      const [one, other] = [await startInstance(bedOf().over), await startInstance(bedOf().over)];
      await register(driver, name, one);
      await register(bedOf().driver(), name, other);
      const ask = await asking(bedOf(), driver, name);
      await until(ask, one.address);
      await until(ask, other.address);
      await one.stop();
      for (let call = 0; call < 30; call++) {
        // one of several addresses may be the dead one, time and again, until the registry has noticed
        await expect.poll(() => ask().catch(String), { interval: 10 }).toBe(other.address);
      }
    });

    it('a registration that a restart of the registry loses is made again', async () => {
      const [driver, one, name] = [driverOf(), await startInstance(bedOf().over), service()];
      const registration = await register(driver, name, one);
      const ask = await asking(bedOf(), driver, name);
      await until(ask, one.address);
      await kill();
      // who is known stays known while the registry is away
      await expect(ask()).resolves.toBe(one.address);
      await restart();
      await expect.poll(() => registration.problem, { timeout: PATIENCE_MS }).toBeUndefined();
      await until(await asking(bedOf(), bedOf().driver(), name), one.address);
    });

    it('a registry may be down: the registration reports the problem, and succeeds when the registry is back', async () => {
      const [driver, one, name] = [driverOf(), await startInstance(bedOf().over), service()];
      await kill();
      const reports: (string | undefined)[] = [];
      const registration = await register(driver, name, one, (problem) => reports.push(problem));
      expect(registration.problem).toMatch(/\S/);
      expect(reports).toEqual([registration.problem]);
      const ask = await asking(bedOf(), driver, name);
      await expect(ask()).rejects.toThrow(/no address/);
      await restart();
      await expect.poll(() => registration.problem, { timeout: PATIENCE_MS }).toBeUndefined();
      expect(reports.at(-1)).toBeUndefined();
      await until(ask, one.address);
    });

    it('a registration can be closed while the registry is down', async () => {
      const [driver, one, name] = [driverOf(), await startInstance(bedOf().over), service()];
      const registration = await register(driver, name, one);
      await kill();
      // in order or not: it ends
      await registration.close().catch(() => undefined);
    });

    it('a malformed entry is ignored', async ({ skip }) => {
      const bed = bedOf();
      if (!bed.spoil) return skip('the registry takes no such entry');
      const [driver, one, name] = [driverOf(), await startInstance(bed.over), service()];
      await register(driver, name, one);
      await bed.spoil(name);
      const ask = await asking(bed, driver, name);
      await until(ask, one.address);
      for (let call = 0; call < 10; call++) await expect(ask()).resolves.toBe(one.address);
    });

    it.each(HOSTILE)('the name %j reaches no registry', async (hostile) => {
      const driver = driverOf();
      const { target, endpoint } = bedOf().registration(hostile, '127.0.0.1:1');
      const refused = async (): Promise<unknown> => driver.registerService(target, endpoint);
      const error = await refused().catch((thrown: unknown) => thrown);
      expect(error instanceof DtmConfigError || error instanceof DtmArgumentError, String(error)).toBe(true);
      await expect(asking(bedOf(), driver, hostile).then((ask) => ask())).rejects.toThrow(/./);
    });

    it.each(['', 'nonsense', '127.0.0.1', '127.0.0.1:0', '127.0.0.1:70000', '0.0.0.0:80'])(
      'the endpoint %j is refused before anything is registered',
      async (address) => {
        const { target, endpoint } = bedOf().registration(service(), address);
        const driver = driverOf();
        expect(() => driver.prepareService?.(target, endpoint)).toThrow(DtmConfigError);
        await expect(driver.registerService(target, endpoint)).rejects.toThrow(DtmConfigError);
      },
    );
  });
}
