import { join } from 'node:path';
import { findDeadLinks } from '../../tools/docs/dead-links.mjs';
import { readPages } from '../../tools/docs/page.mjs';
import { command } from '../../tools/support/command.mjs';
import { readJson, root } from '../../tools/support/root.mjs';

/** @import { Tarball } from './tarball.mjs' */

const { name: self, homepage } = readJson(join(root, 'package.json'));

/**
 * Checks that every link in the pages of the package leads to a file and a heading of the package. The package is read where
 * it is installed, and by tools that know nothing but the package.
 *
 * @param {Tarball} tarball
 * @throws Error with the links
 */
export async function checkLinks({ folder, path }) {
  await command(`tar -xzf "${path}" -C "${folder}"`, { capture: true });
  const unpacked = join(folder, 'package');
  const pages = readPages(unpacked);
  const problems = findDeadLinks(unpacked, pages);
  if (!pages.some((page) => page.path === 'docs/saga.md')) problems.push('docs/saga.md is not in the package');
  if (homepage !== `https://www.npmjs.com/package/${self}`) problems.push(`homepage is ${homepage}`);
  if (problems.length > 0) throw new Error(problems.join('\n'));
}
