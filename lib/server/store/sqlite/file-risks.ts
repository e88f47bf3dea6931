import { statSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';

/** Permissions of users who are neither the owner nor of the group of a file. */
const OTHERS = 0o007;

/**
 * What is dangerous about the file of a store.
 *
 * @param path - of the file, which exists
 * @param environment - value of NODE_ENV
 */
export function findFileRisks(path: string, environment: string | undefined): readonly string[] {
  const risks: string[] = [];
  if (environment === 'production') {
    risks.push(
      'the store is one SQLite file: one process at a time can use it, and its transactions are lost with its disk; ' +
        'keep the file on a durable volume and run one replica, or use postgresStore or mysqlStore',
    );
  }
  if (environment !== 'development' && environment !== 'test' && isInWorkingDirectory(path)) {
    risks.push(
      `store file ${path} is in the working directory: a new deployment or container starts without its transactions; ` +
        'choose a path outside (sqliteStore({ path }), Store.Path of serve) on a durable volume, or set NODE_ENV=development where that does not matter',
    );
  }
  if (isOpenToOthers(path)) {
    risks.push(`store file ${path} is open to other users of this machine; run chmod 600 on the file and its -wal`);
  }
  return risks;
}

function isInWorkingDirectory(path: string): boolean {
  const below = relative(process.cwd(), resolve(path));
  return below !== '..' && !below.startsWith(`..${sep}`) && !isAbsolute(below);
}

/** Windows has no such permissions, and shows them as open. */
function isOpenToOthers(path: string): boolean {
  if (process.platform === 'win32') return false;
  const { mode = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {};
  return (mode & OTHERS) !== 0;
}
