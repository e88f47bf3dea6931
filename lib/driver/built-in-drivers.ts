/** Properties of a driver of this package that are known before it is created. */
export interface BuiltInDriver {
  /** Schemes of the URLs that it serves, in lower case, without `://`. */
  readonly schemes: readonly string[];
  /** Whether it writes services into a registry. */
  readonly registersServices: boolean;
}

/**
 * The drivers of this package by name. Their factories are in `driver-registry.ts`, because drivers import this table:
 * an error about a URL names the driver that serves its scheme.
 */
export const BUILT_IN_DRIVERS = {
  default: { schemes: [], registersServices: false },
  'dtm-driver-protocol1': { schemes: ['protocol1'], registersServices: false },
  'dtm-driver-gozero': { schemes: ['etcd', 'discov', 'consul', 'nacos', 'k8s', 'direct'], registersServices: true },
  'dtm-driver-kratos': { schemes: ['discovery', 'direct'], registersServices: true },
  'dtm-driver-springcloud': { schemes: ['nacos', 'eureka', 'lb'], registersServices: true },
  'dtm-driver-polaris': { schemes: ['polaris'], registersServices: true },
  'dtm-driver-ego': { schemes: ['etcd', 'k8s'], registersServices: true },
  'dtm-driver-dapr': { schemes: ['daprgrpc', 'daprpgrpc', 'daprhttp', 'daprphttp'], registersServices: false },
  'dtm-driver-sponge': { schemes: ['discovery'], registersServices: true },
} as const satisfies Readonly<Record<string, BuiltInDriver>>;

/** Name of a driver in this package. */
export type BuiltInDriverName = keyof typeof BUILT_IN_DRIVERS;

/** Names in the order of the table. */
export const BUILT_IN_DRIVER_NAMES = Object.keys(BUILT_IN_DRIVERS) as readonly BuiltInDriverName[];

/** Whether a name is one of the table. */
export function isBuiltInDriver(name: string): name is BuiltInDriverName {
  return Object.hasOwn(BUILT_IN_DRIVERS, name);
}

/**
 * The drivers of this package that serve a scheme.
 *
 * @param scheme - in lower case, without `://`
 * @returns their names; empty for an unknown scheme
 */
export function listDriversOfScheme(scheme: string): readonly BuiltInDriverName[] {
  return BUILT_IN_DRIVER_NAMES.filter((name) => {
    const { schemes }: BuiltInDriver = BUILT_IN_DRIVERS[name];
    return schemes.includes(scheme);
  });
}

/** Whether a driver writes services into a registry. The answer is yes for a driver that the table does not know. */
export function registersServices(driver: string): boolean {
  return !isBuiltInDriver(driver) || BUILT_IN_DRIVERS[driver].registersServices;
}

/**
 * Whether a driver may serve a scheme. The answer is yes for a scheme or a driver that the table does not know, except that
 * `default` serves none.
 *
 * @param driver - name of the driver
 * @param scheme - in lower case, without `://`
 */
export function mayServeScheme(driver: string, scheme: string): boolean {
  if (!isBuiltInDriver(driver)) return true;
  const known = listDriversOfScheme(scheme);
  return driver !== 'default' && (known.length === 0 || known.includes(driver));
}
