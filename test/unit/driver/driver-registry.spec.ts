import { DtmConfigError } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { DriverRegistry, defaultDriver, resolveDriver, type DtmDriver } from '../../../lib/driver/index.js';

const named = (name: string): DtmDriver => ({ ...defaultDriver(), name });

/** The names in Go dtm. */
const NAMES = [
  'default',
  'dtm-driver-protocol1',
  'dtm-driver-gozero',
  'dtm-driver-kratos',
  'dtm-driver-springcloud',
  'dtm-driver-polaris',
  'dtm-driver-ego',
  'dtm-driver-dapr',
  'dtm-driver-sponge',
];

describe('a registry of drivers', () => {
  it('has the drivers of the package, and uses the default driver until another is chosen', () => {
    const drivers = new DriverRegistry();
    expect(drivers.names).toEqual(NAMES);
    expect(drivers.current.name).toBe('default');
    expect(drivers.use('dtm-driver-protocol1').name).toBe('dtm-driver-protocol1');
    expect(drivers.current.name).toBe('dtm-driver-protocol1');
  });

  it('accepts drivers and factories', () => {
    const own = named('own');
    const drivers = new DriverRegistry().register(own).register(() => named('made'));
    expect(drivers.names).toEqual([...NAMES, 'own', 'made']);
    expect(drivers.use('own')).toBe(own);
  });

  it('does nothing when the same driver is used again', () => {
    const drivers = new DriverRegistry();
    expect(drivers.use('dtm-driver-protocol1')).toBe(drivers.use('dtm-driver-protocol1'));
  });

  it('refuses a second, different driver', () => {
    const drivers = new DriverRegistry();
    drivers.use('dtm-driver-protocol1');
    expect(() => drivers.use('default')).toThrow(DtmConfigError);
    expect(() => drivers.use('default')).toThrow('"default" cannot be used: "dtm-driver-protocol1" is in use already');
    expect(drivers.current.name).toBe('dtm-driver-protocol1');
  });

  it('lists the drivers when a name does not exist', () => {
    const drivers = new DriverRegistry().register(named('own'));
    for (const name of ['dtm-driver-other', '', 'toString', '__proto__']) {
      expect(() => drivers.use(name)).toThrow(DtmConfigError);
      expect(() => drivers.use(name)).toThrow(
        `driver "${name}" does not exist; expected one of ${NAMES.join(', ')}, own, or a DtmDriver object`,
      );
    }
  });

  it('replaces a driver until it is in use', () => {
    const [first, second, third] = [named('own'), named('own'), named('own')];
    const drivers = new DriverRegistry().register(first).register(second);
    expect(drivers.use('own')).toBe(second);
    expect(() => drivers.register(third)).toThrow('driver "own" is in use; register its replacement before use()');
    expect(drivers.register(second).current).toBe(second);
  });

  it.each([
    [{}, 'the driver has no name'],
    [null, 'the driver has no name'],
    [named(''), 'the driver has no name'],
    [
      { name: 'half', parseServerMethod: () => undefined },
      'driver "half" lacks registerGrpcResolver and registerService',
    ],
  ])('refuses an invalid driver', (driver, message) => {
    expect(() => new DriverRegistry().register(driver as unknown as DtmDriver)).toThrow(DtmConfigError);
    expect(() => new DriverRegistry().register(driver as unknown as DtmDriver)).toThrow(message);
  });

  it('is not shared: two applications in one process have two drivers', () => {
    const [one, other] = [new DriverRegistry(), new DriverRegistry()];
    one.register(named('own')).use('own');
    expect([one.current.name, other.current.name]).toEqual(['own', 'default']);
    expect(other.names).not.toContain('own');
  });
});

describe('the driver in an option', () => {
  it('may be left out, named, or an object', () => {
    expect(resolveDriver().name).toBe('default');
    expect(resolveDriver('dtm-driver-protocol1').name).toBe('dtm-driver-protocol1');
    const own = named('own');
    expect(resolveDriver(own)).toBe(own);
    const other = named('default');
    expect(resolveDriver(other)).toBe(other);
  });

  it('must have a name that exists', () => {
    expect(() => resolveDriver('dtm-driver-other')).toThrow(
      `driver "dtm-driver-other" does not exist; expected one of ${NAMES.join(', ')}, or a DtmDriver object`,
    );
  });

  it('is the only one of its registry', () => {
    const drivers = new DriverRegistry();
    const own = named('own');
    expect([resolveDriver(own, drivers), resolveDriver(own, drivers), drivers.current]).toEqual([own, own, own]);
    expect(() => resolveDriver('default', drivers)).toThrow('"own" is in use already');
  });
});
