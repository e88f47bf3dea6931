import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const SKIPPED_FOLDERS = ['node_modules', 'dist'];

/**
 * Lists the files of a folder. Installed packages and build output are left out.
 *
 * @param {string} root
 * @param {string} folder - relative to the root
 * @param {boolean} recursive
 * @returns {string[]} paths relative to the root, with slashes, sorted
 */
export function listFiles(root, folder, recursive = true) {
  if (!existsSync(join(root, folder))) return [];
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  const paths = entries.flatMap((entry) => {
    const path = folder === '.' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isFile()) return [path];
    const isSearched = recursive && entry.isDirectory() && !SKIPPED_FOLDERS.includes(entry.name);
    return isSearched ? listFiles(root, path) : [];
  });
  return paths.toSorted();
}
