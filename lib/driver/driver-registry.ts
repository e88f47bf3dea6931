import { DtmConfigError } from '../protocol/internal.js';
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

/**
 * The drivers that one application or coordinator can choose from, and its choice. Go has one for the whole process; here
 * each has its own, so that two applications in one process do not meet.
 *
 * @example
 * const drivers = new DriverRegistry().register(myDriver());
 * drivers.use('my-driver');
 */
export class DriverRegistry {
  readonly #drivers = new Map<string, DtmDriver>();
  #current: DtmDriver | undefined;

  /** Knows the drivers of this package. */
  constructor() {
    const drivers = [
      defaultDriver,
      protocol1Driver,
      goZeroDriver,
      kratosDriver,
      springCloudDriver,
      polarisDriver,
      egoDriver,
      daprDriver,
      spongeDriver,
    ];
    for (const driver of drivers) this.register(driver);
  }

  /** Names that {@link use} takes. */
  get names(): readonly string[] {
    return [...this.#drivers.keys()];
  }

  /** The driver in use. @default the one that is registered as `default` */
  get current(): DtmDriver {
    return this.#current ?? this.#drivers.get('default')!;
  }

  /**
   * Makes a driver known by its name, in place of another one of that name.
   *
   * @param driver - the driver, or what makes it
   * @throws DtmConfigError when it is not one, or would replace the driver in use
   */
  register(driver: DtmDriver | (() => DtmDriver)): this {
    const made = typeof driver === 'function' ? driver() : driver;
    checkDriver(made);
    if (this.#current?.name === made.name && this.#current !== made) {
      throw new DtmConfigError(`driver ${JSON.stringify(made.name)} is in use; register another one before it is`);
    }
    this.#drivers.set(made.name, made);
    return this;
  }

  /**
   * Chooses a driver, once and for all. Choosing the same one again does nothing.
   *
   * @param name - of a registered driver
   * @returns the driver
   * @throws DtmConfigError when there is none of that name, or another one was chosen before
   */
  use(name: string): DtmDriver {
    const driver = this.#drivers.get(name);
    if (!driver) {
      throw new DtmConfigError(
        `driver ${JSON.stringify(name)} does not exist; give one of ${this.names.join(', ')}, or a DtmDriver object`,
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
}

const METHODS = ['registerGrpcResolver', 'registerService', 'parseServerMethod'] as const;

function checkDriver(driver: DtmDriver): void {
  const name = (driver as DtmDriver | null)?.name;
  if (typeof name !== 'string' || name === '') {
    throw new DtmConfigError('a driver has a name, such as dtm-driver-example, by which it is chosen');
  }
  const missing = METHODS.filter((method) => typeof driver[method] !== 'function');
  if (missing.length > 0) {
    throw new DtmConfigError(`driver ${JSON.stringify(name)} lacks ${missing.join(' and ')}`);
  }
}
