import type Database from 'libsql';
import { DtmConfigError, errorText } from '../../../protocol/internal.js';

/**
 * Loads libsql when SQLite is used. Its native library is an optional package for each platform, which installations can
 * leave out and some platforms do not have.
 *
 * @throws DtmConfigError that names the platform and the alternatives
 */
export async function loadLibsql(): Promise<typeof Database> {
  try {
    return (await import('libsql')).default;
  } catch (cause) {
    // the other lines list the files that required the module
    const [reason] = errorText(cause).split('\n');
    throw new DtmConfigError(
      `sqliteStore: the native library of libsql cannot be loaded on ${process.platform}-${process.arch} (${reason}); ` +
        'install the dependencies on this platform, with the optional ones, or use postgresStore, mysqlStore or memoryStore ' +
        '(STORE_DRIVER=postgres, mysql or memory)',
      { cause },
    );
  }
}
