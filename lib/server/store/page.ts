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
