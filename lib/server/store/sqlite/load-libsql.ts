import type Database from 'libsql';
import { DtmConfigError, errorText } from '../../../protocol/internal.js';

/** Platforms for which libsql has a native library, as Node names them. */
export const LIBSQL_PLATFORMS: readonly string[] = [
  'darwin-arm64',
  'darwin-x64',
  'linux-arm',
  'linux-arm64',
  'linux-x64',
  'win32-x64',
];

const ALTERNATIVES = 'use postgresStore, mysqlStore or memoryStore (STORE_DRIVER=postgres, mysql or memory)';

/**
 * Loads libsql when SQLite is used. libsql and its native library for each platform are optional packages, which
 * installations can leave out and some platforms do not have.
 *
 * @throws DtmConfigError that names the platform and the alternatives
 */
export async function loadLibsql(): Promise<typeof Database> {
  try {
    return (await import('libsql')).default;
  } catch (cause) {
    throw missingLibsqlError(`${process.platform}-${process.arch}`, cause);
  }
}

/**
 * The error of a platform on which libsql cannot be loaded.
 *
 * @param platform - platform and architecture of Node
 * @param cause - error of the import
 */
export function missingLibsqlError(platform: string, cause: unknown): DtmConfigError {
  if (!LIBSQL_PLATFORMS.includes(platform)) {
    return new DtmConfigError(`sqliteStore: libsql has no native library for ${platform}; ${ALTERNATIVES}`, { cause });
  }
  // the other lines list the files that required the module
  const [reason] = errorText(cause).split('\n');
  return new DtmConfigError(
    `sqliteStore: the native library of libsql cannot be loaded on ${platform} (${reason}); ` +
      `install the dependencies on this platform, with the optional ones, or ${ALTERNATIVES}`,
    { cause },
  );
}
