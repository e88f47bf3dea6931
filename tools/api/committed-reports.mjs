import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTwoFilesPatch } from 'diff';

/** @import { Report } from './api-reports.mjs' */

/**
 * Compares the committed reports with the given ones, and returns each difference as a patch.
 *
 * @param {string} folder - of the committed reports
 * @param {readonly Report[]} reports
 * @returns {string[]}
 */
export function compareReports(folder, reports) {
  const wanted = new Map(reports.map(({ file, text }) => [file, text]));
  const names = new Set([...listCommitted(folder), ...wanted.keys()]);
  return [...names].toSorted().flatMap((name) => {
    const path = join(folder, name);
    const now = wanted.get(name);
    if (now === undefined) return [`etc/${name} belongs to no entry of the package; delete the file`];
    const before = existsSync(path) ? readFileSync(path, 'utf8').replaceAll('\r\n', '\n') : '';
    return before === now ? [] : [createTwoFilesPatch(`etc/${name}`, `etc/${name}`, before, now, 'committed', 'built')];
  });
}

/**
 * Replaces the committed reports.
 *
 * @param {string} folder
 * @param {readonly Report[]} reports
 */
export function writeReports(folder, reports) {
  mkdirSync(folder, { recursive: true });
  for (const name of listCommitted(folder)) rmSync(join(folder, name));
  for (const { file, text } of reports) writeFileSync(join(folder, file), text);
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function listCommitted(folder) {
  return existsSync(folder) ? readdirSync(folder) : [];
}
