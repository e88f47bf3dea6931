import { DtmFailureError, DtmOngoingError } from 'nestjs-dtm';
import { expect, test } from 'vitest';
import type { requireOrSkip } from '../../services/require-or-skip.mjs';
import type { Lane } from './lane.js';
import type { Result } from './matrix.js';
import type { Row } from './rows.js';
import { AMOUNT, OPENING_BALANCE } from './transfer.js';

/** What stands around the rows of a lane. */
export interface RowTestOptions {
  readonly lane: Lane;
  /** Databases for XA. */
  readonly databases: ReturnType<typeof requireOrSkip>;
  /** Why the coordinator cannot do a row. */
  readonly defectOf?: (row: Row, lane: Lane) => string | undefined;
  /**
   * The initiator looks at its transaction before the coordinator tries again; by the wall clock it may find that
   * everything has come to its end meanwhile.
   */
  readonly isInTime: boolean;
  readonly play: (row: Row) => Promise<Result>;
}

/** Makes the test of a row, skipped by name where it cannot be run. */
export function testRow(row: Row, { lane, databases, defectOf, isInTime, play }: RowTestOptions): void {
  const title = `${row.mode.name}: ${row.title}`;
  const check = async (): Promise<void> => expectEnd(row, await play(row), isInTime);
  const defect = defectOf?.(row, lane);
  if (row.mode.accounts === 'xa' && !databases.available) test.skip(databases.title(title), check);
  else if (defect) test.skip(`${title} (${defect})`, check);
  else test(title, check);
}

function expectEnd(row: Row, { told, steps, status, money }: Result, isInTime: boolean): void {
  const hasEnded = row.end === 'succeed' ? told === undefined : told instanceof DtmFailureError;
  if (!row.told) expect(told).toBeUndefined();
  else if (isInTime || row.told !== DtmOngoingError || !hasEnded) expect(told).toBeInstanceOf(row.told);
  if (row.steps) expect(steps).toEqual(row.steps);
  const moved = row.end === 'succeed' ? AMOUNT : 0;
  expect({ status, money }).toEqual({
    status: row.end,
    money: { from: OPENING_BALANCE - moved, to: moved, held: 0 },
  });
}
