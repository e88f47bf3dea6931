import { DtmConfigError } from '../../protocol/internal.js';
import { describeValue } from '../../support/describe-value.js';
import { DatabaseRegistry } from './database-registry.js';
import type { DtmDatabaseOptions } from './dtm.options.js';
import { parseObject } from './parse-object.js';

/** Checks the option `databases`. @throws DtmConfigError */
export function parseDatabases(databases: unknown): DatabaseRegistry {
  if (typeof databases !== 'object' || databases === null || Array.isArray(databases)) {
    throw new DtmConfigError(
      `DtmModule: databases must be an object, not ${describeValue(databases)}; give { default: { barrier: … } }`,
    );
  }
  for (const [name, database] of Object.entries(databases) as [string, unknown][]) parseDatabase(name, database);
  return new DatabaseRegistry(databases as Record<string, DtmDatabaseOptions>);
}

function parseDatabase(name: string, database: unknown): void {
  const option = `databases.${name}`;
  if (!/^[\w-]{1,64}$/.test(name)) {
    throw new DtmConfigError(`DtmModule: ${option}: the name is part of URLs; use letters, digits, _ and - only`);
  }
  const { barrier, xa, table } = parseObject(
    option,
    database,
    ['barrier', 'xa', 'table'],
    'give { barrier: typeOrmBarrier(dataSource) }',
  );
  if (xa !== undefined && typeof (xa as { prepare?: unknown }).prepare !== 'function') {
    throw new DtmConfigError(
      `DtmModule: ${option}.xa must be an XA adapter, not ${describeValue(xa)}; set it to pgXa(pool), for example`,
    );
  }
  if (barrier !== undefined && typeof (barrier as { insert?: unknown }).insert !== 'function') {
    throw new DtmConfigError(
      `DtmModule: ${option}.barrier must be a barrier adapter, not ${describeValue(barrier)}; set it to typeOrmBarrier(dataSource), for example`,
    );
  }
  if (table !== undefined && table !== 'create' && table !== 'check') {
    throw new DtmConfigError(`DtmModule: ${option}.table must be 'create' or 'check', not ${describeValue(table)}`);
  }
}
