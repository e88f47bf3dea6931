import { createRequire } from 'node:module';
import { DtmConfigError } from '../protocol/internal.js';

/**
 * Imports an optional package when it is needed.
 *
 * @param load - `() => import(name)`; the caller writes the specifier, so that the result has types
 * @param feature - what needs the package, for the message
 * @throws DtmConfigError with the command that installs the package
 */
export async function importPackage<T>(load: () => Promise<T>, name: string, feature: string): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw loadError(cause, name, feature);
  }
}

/**
 * Loads an optional CommonJS package at once, where nothing can be awaited.
 *
 * @param feature - what needs the package, for the message
 * @throws DtmConfigError with the command that installs the package
 */
export function requirePackage<T>(name: string, feature: string): T {
  try {
    return createRequire(import.meta.filename)(name) as T;
  } catch (cause) {
    throw loadError(cause, name, feature);
  }
}

function loadError(cause: unknown, name: string, feature: string): unknown {
  const { code } = cause as { code?: unknown };
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return cause;
  return new DtmConfigError(`${feature} needs the package ${name}; run: npm install ${name}`, { cause });
}
