import { DtmArgumentError } from '../../protocol/internal.js';

/** Records on a page unless the caller says otherwise. */
export const DEFAULT_PAGE_SIZE = 100;

/**
 * Parses the position of a page.
 *
 * @param position - `nextPosition` of the page before
 * @param start - id at which the first page begins
 * @returns the id behind which the page begins
 * @throws DtmArgumentError when it is no position
 */
export function parsePosition(position: string | undefined, start: number): number {
  if (!position) return start;
  if (!/^\d{1,15}$/.test(position)) {
    throw new DtmArgumentError(
      `position ${JSON.stringify(position)} is invalid; use the next_position of the page before`,
    );
  }
  return Number(position);
}

/** The position behind the last record of a page; `''` when the page is not full, so that no record follows. */
export function nextPositionOf(page: readonly { readonly id?: unknown }[], limit: number): string {
  return page.length < limit ? '' : String(page.at(-1)?.id ?? '');
}

/** Bytes of the texts on a page: few large records must not fill the memory, however many rows were asked for. */
export const MAX_PAGE_BYTES = 4 * 1024 * 1024;

/**
 * Returns the first rows, up to the one that reaches a number of bytes: at least one, if there is one.
 *
 * @param size - bytes of a row. @default its column `size`
 */
export function takeBytes<Row>(
  rows: Iterable<Row>,
  maxBytes: number,
  size: (row: Row) => number = (row) => Number((row as { readonly size?: unknown }).size),
): Row[] {
  const taken: Row[] = [];
  let bytes = 0;
  for (const row of rows) {
    taken.push(row);
    bytes += size(row);
    if (bytes >= maxBytes) break;
  }
  return taken;
}

/** A page of {@link MAX_PAGE_BYTES}. */
export interface CutPage<Row> {
  /** At least one row, if there is one. */
  readonly page: readonly Row[];
  readonly nextPosition: string;
}

/**
 * Cuts a page off rows with their sizes.
 *
 * @param rows - at most `limit`
 * @param size - see {@link takeBytes}
 */
export function cutPage<Row extends { readonly id?: unknown }>(
  rows: readonly Row[],
  limit: number,
  size?: (row: Row) => number,
): CutPage<Row> {
  const page = takeBytes(rows, MAX_PAGE_BYTES, size);
  return { page, nextPosition: nextPositionOf(page, page.length < rows.length ? page.length : limit) };
}
