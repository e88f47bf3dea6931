import { DtmConfigError } from '../protocol/internal.js';
import { BUILT_IN_DRIVER_NAMES, isBuiltInDriver, type BuiltInDriverName } from './built-in-drivers.js';
import { daprDriver } from './dapr/dapr-driver.js';
import { defaultDriver } from './default/default-driver.js';
import type { DtmDriver } from './driver.js';
import { egoDriver } from './ego/ego-driver.js';
import { goZeroDriver } from './gozero/go-zero-driver.js';
import { kratosDriver } from './kratos/kratos-driver.js';
import { polarisDriver } from './polaris/polaris-driver.js';
import { protocol1Driver } from './protocol1/protocol1-driver.js';
import { spongeDriver } from './sponge/sponge-driver.js';
import { springCloudDriver } from './springcloud/spring-cloud-driver.js';

/** The factory of each driver in the table; a registry calls one only when its driver is chosen. */
const FACTORIES: Readonly<Record<BuiltInDriverName, () => DtmDriver>> = {
  default: defaultDriver,
  'dtm-driver-protocol1': protocol1Driver,
  'dtm-driver-gozero': goZeroDriver,
  'dtm-driver-kratos': kratosDriver,
  'dtm-driver-springcloud': springCloudDriver,
  'dtm-driver-polaris': polarisDriver,
  'dtm-driver-ego': egoDriver,
  'dtm-driver-dapr': daprDriver,
  'dtm-driver-sponge': spongeDriver,
};

/**
 * The drivers that one application or coordinator can choose from, and its choice. Go dtm has one registry for the
 * process. Here each application has a registry, so that two applications in one process do not affect each other.
 *
 * @example
 * const drivers = new DriverRegistry().register(myDriver());
 * drivers.use('my-driver');
 */
export class DriverRegistry {
  /** Drivers that were registered, and drivers of this package that were asked for. */
  readonly #drivers = new Map<string, DtmDriver>();
  #current: DtmDriver | undefined;

  /** Names that {@link use} accepts: those of this package, then those that were registered. */
  get names(): readonly string[] {
    return [...new Set([...BUILT_IN_DRIVER_NAMES, ...this.#drivers.keys()])];
  }

  /** The driver in use. @default the driver that is registered as `default` */
  get current(): DtmDriver {
    return this.#current ?? this.#find('default')!;
  }

  /**
   * Adds a driver under its name. A driver of that name is replaced, unless it is in use.
   *
   * @param driver - the driver, or a function that creates it
   * @throws DtmConfigError when it is not a driver, or a driver of that name is in use
   */
  register(driver: DtmDriver | (() => DtmDriver)): this {
    const added = typeof driver === 'function' ? driver() : driver;
    assertDriver(added);
    if (this.#current?.name === added.name && this.#current !== added) {
      throw new DtmConfigError(`driver ${JSON.stringify(added.name)} is in use; register its replacement before use()`);
    }
    this.#drivers.set(added.name, added);
    return this;
  }

  /**
   * Chooses a driver, once and for all. Choosing the same driver again does nothing.
   *
   * @param name - name of the driver
   * @returns the driver
   * @throws DtmConfigError when no driver has that name, or another driver was chosen before
   */
  use(name: string): DtmDriver {
    const driver = this.#find(name);
    if (!driver) {
      throw new DtmConfigError(
        `driver ${JSON.stringify(name)} does not exist; expected one of ${this.names.join(', ')}, or a DtmDriver object`,
      );
    }
    if (this.#current && this.#current !== driver) {
      throw new DtmConfigError(
        `driver ${JSON.stringify(name)} cannot be used: ${JSON.stringify(this.#current.name)} is in use already, and ` +
          'an application has one driver',
      );
    }
    this.#current = driver;
    return driver;
  }

  #find(name: string): DtmDriver | undefined {
    const known = this.#drivers.get(name);
    if (known || !isBuiltInDriver(name)) return known;
    const created = FACTORIES[name]();
    this.#drivers.set(name, created);
    return created;
  }
}

const REQUIRED_METHODS = ['registerGrpcResolver', 'registerService', 'parseServerMethod'] as const;

function assertDriver(driver: DtmDriver): void {
  const name = (driver as DtmDriver | null)?.name;
  if (typeof name !== 'string' || name === '') {
    throw new DtmConfigError('the driver has no name; give it one, such as "dtm-driver-example"');
  }
  const missing = REQUIRED_METHODS.filter((method) => typeof driver[method] !== 'function');
  if (missing.length > 0) {
    throw new DtmConfigError(`driver ${JSON.stringify(name)} lacks ${missing.join(' and ')}`);
  }
}
