import { errorText } from '../../protocol/internal.js';
import type { BarrierTable } from './barrier-table.js';
import { errorChain } from './error-chain.js';
import { isReadOnlyError } from './is-read-only-error.js';

/** Codes of Node, mysql2, PostgreSQL and MySQL, in this order. */
const CONNECTION_CODES = new Set(
  'ECONNREFUSED ECONNRESET EPIPE ETIMEDOUT PROTOCOL_CONNECTION_LOST 57P01 57P02 57P03 53300 1040 1053 1927 2006 2013'.split(
    ' ',
  ),
);
const CONNECTION_MESSAGE = /\bconnection (was )?(terminated|ended|closed)/i;

/**
 * Describes an error of a barrier statement with its remedy.
 *
 * @param table - table of the statement
 * @param error - error of the database driver, or of the library around it
 * @returns `undefined` when the message of the error is clear enough
 */
export function describeSqlError(table: BarrierTable, error: unknown): string | undefined {
  if (isReadOnlyError(error)) {
    return `the server of this connection accepts no writes, perhaps after a failover (${errorText(error)}); the connection is not used again`;
  }
  for (const { code, errno, message } of errorChain(error)) {
    const codes = [String(code), String(errno)];
    const is = (known: ReadonlySet<string>): boolean => codes.some((one) => known.has(one));

    if (is(table.dialect.missingTableCodes) || /\bno such table\b/.test(String(message))) {
      return `the table ${table.quoted} is missing; create it with \`await adapter.createTable()\`, or run the SQL of \`${sqlCall(table)}\``;
    }
    if (codes.includes('42P10') || /ON CONFLICT clause does not match/.test(String(message))) {
      return `the table ${table.quoted} has no unique constraint on (gid, branch_id, op, barrier_id); compare it with \`${sqlCall(table)}\``;
    }
    if (is(table.dialect.conflictCodes)) {
      return `this transaction conflicts with another transaction (${String(message)})`;
    }
    if (is(CONNECTION_CODES) || String(code).startsWith('08') || CONNECTION_MESSAGE.test(String(message))) {
      return `the connection to the database was lost or could not be made (${String(message)})`;
    }
    if (code === '25P02') {
      return 'the business code swallowed the error of a statement, after which the database does not commit the transaction';
    }
  }
  return undefined;
}

function sqlCall({ dialectName, dialect, name }: BarrierTable): string {
  const isDefault = dialect.quote(name) === dialect.quote(dialect.defaultTable);
  return `barrierTableSql('${dialectName}'${isDefault ? '' : `, ${JSON.stringify(name)}`})`;
}
