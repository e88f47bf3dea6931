import { DtmArgumentError } from '../../../protocol/internal.js';
import type { SqlDialect } from '../sql/sql-database.js';

/**
 * The SQL of PostgreSQL.
 *
 * @param schema - checked name of the schema
 */
export function postgresDialect(schema: string): SqlDialect {
  const table = (name: string): string => `"${schema}".${name}`;
  return {
    tables: { global: table('trans_global'), branch: table('trans_branch_op'), kv: table('kv') },
    isUnfinished: UNFINISHED,
    dueTime: 'next_cron_time',
    milliseconds: (column) => `(extract(epoch from ${column}) * 1000)::bigint`,
    encode({ name, kind }, value) {
      if (kind === 'time' && typeof value === 'number') return new Date(value).toISOString();
      if (typeof value !== 'string' || !value.includes('\0')) return value;
      if (kind === 'prose') return value.replaceAll('\0', '\u{FFFD}');
      throw new DtmArgumentError(`${name} contains a NUL character, which PostgreSQL cannot store`);
    },
  };
}

/** Must equal the condition of the index. */
export const UNFINISHED = `status in ('prepared', 'submitted', 'aborting')`;
