/** A condition of an SQL statement and the values of its placeholders. */
export interface WhereClause<Value> {
  readonly where: string;
  readonly values: Value[];
}

/**
 * Joins conditions by `and`.
 *
 * @param conditions - value by condition; each has one placeholder. A condition without a value (undefined or `''`) is left out
 */
export function whereClause<Value>(conditions: Readonly<Record<string, Value | undefined>>): WhereClause<Value> {
  const used = Object.entries(conditions).filter(
    (entry): entry is [string, Value] => entry[1] !== undefined && entry[1] !== '',
  );
  return {
    where: used.map(([condition]) => condition).join(' and ') || '1 = 1',
    values: used.map(([, value]) => value),
  };
}
