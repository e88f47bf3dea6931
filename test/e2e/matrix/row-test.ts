import { DtmFailureError, DtmOngoingError } from 'nestjs-dtm';
import { expect, test } from 'vitest';
import type { requireOrSkip } from '../../services/require-or-skip.mjs';
import type { Route } from './route.js';
import type { Result } from './matrix.js';
import type { Row } from './rows.js';
import { AMOUNT, OPENING_BALANCE } from './transfer.js';

/** Options for the tests of a route. */
export interface RowTestOptions {
  readonly route: Route;
  /** Databases for XA. */
  readonly databases: ReturnType<typeof requireOrSkip>;
  /** Bug of the coordinator that makes a row fail. */
  readonly defectOf?: (row: Row, route: Route) => string | undefined;
  /**
   * The initiator queries its transaction before the coordinator retries. With the wall clock, the transaction may have
   * ended by then.
   */
  readonly isInTime: boolean;
  readonly run: (row: Row) => Promise<Result>;
}

/** Defines the test of a row; skips the test, with the reason in its title, where it cannot run. */
export function testRow(row: Row, { route, databases, defectOf, isInTime, run }: RowTestOptions): void {
  const title = `${row.mode.name}: ${row.title}`;
  const check = async (): Promise<void> => expectEnd(row, await run(row), isInTime);
  const defect = defectOf?.(row, route);
  if (row.mode.accounts === 'xa' && !databases.available) test.skip(databases.title(title), check);
  else if (defect) test.skip(`${title} (${defect})`, check);
  else test(title, check);
}

function expectEnd(row: Row, { error, steps, status, money }: Result, isInTime: boolean): void {
  const hasEnded = row.status === 'succeed' ? error === undefined : error instanceof DtmFailureError;
  if (!row.error) expect(error).toBeUndefined();
  else if (isInTime || row.error !== DtmOngoingError || !hasEnded) expect(error).toBeInstanceOf(row.error);
  if (row.steps) expect(steps).toEqual(row.steps);
  const moved = row.status === 'succeed' ? AMOUNT : 0;
  expect({ status, money }).toEqual({
    status: row.status,
    money: { from: OPENING_BALANCE - moved, to: moved, held: 0 },
  });
}
