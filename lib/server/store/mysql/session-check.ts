import { DtmConfigError } from '../../../protocol/internal.js';
import type { SqlRow } from '../sql/sql-database.js';
import { MAX_SELECT_LIMIT } from './mysql-pool.js';

/** Reads what {@link assertUsableSession} checks, and how many `bytes` a statement can have. */
export const SESSION_QUERY = `select @@max_allowed_packet as bytes, @@autocommit as autocommit,
  @@completion_type as completion, @@unique_checks as checks, @@sql_mode as mode, cast(@@sql_select_limit as char) as most`;

/**
 * Refuses sessions of the application's pool in which the store would lose writes or branches, or store a gid twice. The
 * store does not change these settings itself: other code of the application can rely on them.
 *
 * @param session - row of {@link SESSION_QUERY}
 * @throws DtmConfigError that names the setting
 */
export function assertUsableSession({ autocommit, completion, checks, mode, most }: SqlRow): void {
  const checked: readonly [isUsable: boolean, setting: string, value: string, why: string][] = [
    [Number(autocommit) === 1, 'autocommit', '1', 'writes would not be committed'],
    [completion === 'NO_CHAIN', 'completion_type', 'NO_CHAIN', 'a transaction would stay open after its commit'],
    [Number(checks) === 1, 'unique_checks', '1', 'a gid could be stored twice'],
    [most === MAX_SELECT_LIMIT, 'sql_select_limit', 'default', 'branches would be cut off'],
    [!String(mode).includes('EMPTY_STRING_IS_NULL'), 'sql_mode', 'without EMPTY_STRING_IS_NULL', 'texts would be lost'],
  ];
  const problem = checked.find(([isUsable]) => !isUsable);
  if (!problem) return;
  const [, setting, value, why] = problem;
  throw new DtmConfigError(
    `mysqlStore: the sessions of the option pool have an unsuitable ${setting}, so ${why}; set ${setting} = ${value}, or pass url instead of pool`,
  );
}
