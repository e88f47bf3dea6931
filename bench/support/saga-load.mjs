import { percentile } from './statistics.mjs';
import { cpuSeconds } from './worker.mjs';

/** @import { DtmService, GlobalStatus } from 'nestjs-dtm' */

/**
 * Submits sagas for some seconds; keeps `inFlight` sagas in flight.
 *
 * @param {number} inFlight
 * @param {number} seconds
 * @param {() => Promise<unknown>} submit - submits one saga and waits for its result
 */
export async function runSagas(inFlight, seconds, submit) {
  /** @type {number[]} */
  const milliseconds = [];
  const cpuBefore = cpuSeconds();
  const start = performance.now();
  const end = start + seconds * 1000;
  const submitUntilEnd = async () => {
    for (let begun = performance.now(); begun < end; begun = performance.now()) {
      await submit();
      milliseconds.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, submitUntilEnd));
  const took = (performance.now() - start) / 1000;
  return {
    sagas: milliseconds.length,
    perSecond: milliseconds.length / took,
    p50: percentile(milliseconds, 50),
    p99: percentile(milliseconds, 99),
    busy: (cpuSeconds() - cpuBefore) / took,
  };
}

/**
 * Counts the stored transactions by status.
 *
 * @param {DtmService} dtm
 */
export async function countByStatus(dtm) {
  /** @type {Partial<Record<GlobalStatus, number>>} */
  const counts = {};
  let position = '';
  do {
    const page = await dtm.all({ position, limit: 1000 });
    for (const { status } of page.transactions) counts[status] = (counts[status] ?? 0) + 1;
    position = page.nextPosition;
  } while (position !== '');
  return counts;
}
