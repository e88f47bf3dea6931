import { PACKAGE_VERSION } from './version.js';

/**
 * Creates a value once for the process, even if the package is loaded twice: as ES modules and as CommonJS, or from two
 * folders. Another version of the package has its own value, because the shape may differ. Under Jest, each test file is a
 * process.
 *
 * @param name - names the value within the package
 */
export function processWide<T extends object>(name: string, create: () => T): T {
  const values = globalThis as unknown as Record<symbol, T | undefined>;
  return (values[Symbol.for(`nestjs-dtm@${PACKAGE_VERSION}:${name}`)] ??= create());
}
