import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  BUILT_IN_DRIVERS,
  BUILT_IN_DRIVER_NAMES,
  listDriversOfScheme,
  mayServeScheme,
} from '../../../lib/driver/built-in-drivers.js';
import { egoDriver } from '../../../lib/driver/ego/index.js';
import { DriverRegistry, resolveDriver } from '../../../lib/driver/index.js';

/** Names of the drivers that were created. */
const created: string[] = vi.hoisted(() => []);

/** The module as it is, except that each factory in it notes its driver. */
const noting = vi.hoisted(() => async (importOriginal: () => Promise<object>): Promise<object> => {
  const entries = Object.entries(await importOriginal()).map(([name, value]: [string, unknown]) => {
    if (typeof value !== 'function' || !name.endsWith('Driver')) return [name, value];
    const factory = value as (...args: unknown[]) => { readonly name: string };
    const note = (...args: unknown[]): object => {
      const driver = factory(...args);
      created.push(driver.name);
      return driver;
    };
    return [name, note];
  });
  return Object.fromEntries(entries) as object;
});

vi.mock('../../../lib/driver/default/default-driver.js', noting);
vi.mock('../../../lib/driver/protocol1/protocol1-driver.js', noting);
vi.mock('../../../lib/driver/gozero/go-zero-driver.js', noting);
vi.mock('../../../lib/driver/kratos/kratos-driver.js', noting);
vi.mock('../../../lib/driver/springcloud/spring-cloud-driver.js', noting);
vi.mock('../../../lib/driver/polaris/polaris-driver.js', noting);
vi.mock('../../../lib/driver/ego/ego-driver.js', noting);
vi.mock('../../../lib/driver/dapr/dapr-driver.js', noting);
vi.mock('../../../lib/driver/sponge/sponge-driver.js', noting);

beforeEach(() => void created.splice(0));

describe('the table of built-in drivers', () => {
  it('has a row for each driver that a registry offers, under the name of the driver', () => {
    expect(new DriverRegistry().names).toEqual(BUILT_IN_DRIVER_NAMES);
    for (const name of BUILT_IN_DRIVER_NAMES) expect(resolveDriver(name).name).toBe(name);
    expect(created).toEqual(BUILT_IN_DRIVER_NAMES);
  });

  it('creates a driver only when it is chosen, and once', () => {
    const drivers = new DriverRegistry();
    expect([drivers.names.length > 1, created]).toEqual([true, []]);
    expect(drivers.use('default')).toBe(drivers.current);
    expect(drivers.use('default')).toBe(drivers.current);
    expect(created).toEqual(['default']);
  });

  it('names the schemes that the driver takes in the URL of a branch', () => {
    for (const name of BUILT_IN_DRIVER_NAMES) {
      for (const scheme of new Set(BUILT_IN_DRIVER_NAMES.flatMap((one) => [...BUILT_IN_DRIVERS[one].schemes]))) {
        // ego serves the scheme of its one registry
        const isEgoInK8s = name === 'dtm-driver-ego' && scheme === 'k8s';
        const driver = isEgoInK8s ? egoDriver({ registry: 'k8s://?namespaces=default' }) : resolveDriver(name);
        const isServed = (BUILT_IN_DRIVERS[name].schemes as readonly string[]).includes(scheme);
        const isHttp = driver.http?.isNamed(`${scheme}://bank/path`, 'branch') ?? false;
        const refusal = refusalOf(() => driver.parseServerMethod(`${scheme}://h:1/bank/b.B/In`));
        // a driver that resolves HTTP names takes every scheme for one of them
        const isForeign = !isHttp && refusal.includes(`; for ${scheme}:// use `);
        expect({ name, scheme, isForeign }).toEqual({ name, scheme, isForeign: !isServed && !isHttp });
      }
    }
  });

  it('answers which drivers serve a scheme', () => {
    expect(listDriversOfScheme('etcd')).toEqual(['dtm-driver-gozero', 'dtm-driver-ego']);
    expect(listDriversOfScheme('mine')).toEqual([]);
    expect(listDriversOfScheme('toString')).toEqual([]);
  });

  it.each([
    ['default', 'etcd', false],
    ['default', 'mine', false],
    ['dtm-driver-protocol1', 'protocol1', true],
    ['dtm-driver-protocol1', 'etcd', false],
    ['dtm-driver-protocol1', 'mine', true],
    ['dtm-driver-mine', 'etcd', true],
  ])('answers whether %s may serve %s://', (driver, scheme, may) => {
    expect(mayServeScheme(driver, scheme)).toBe(may);
  });
});

function refusalOf(call: () => unknown): string {
  try {
    call();
    return '';
  } catch (error) {
    return String(error);
  }
}
