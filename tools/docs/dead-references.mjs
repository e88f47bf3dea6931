import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles } from '../support/list-files.mjs';
import { findProblem } from './dead-links.mjs';

/** @import { Page } from './page.mjs' */

/** The tests of this check contain dead references on purpose. */
const OWN_TESTS = 'test/unit/tools/';

const folders = ['lib', 'sample', 'test', 'bench', 'tools'];

/**
 * Finds references from code to pages, such as `docs/testing.md`, whose page or anchor does not exist.
 *
 * @param {string} root
 * @param {readonly Page[]} pages
 * @returns {string[]}
 */
export function findDeadReferences(root, pages) {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  const all = folders.flatMap((folder) => listFiles(root, folder));
  const files = all.filter((path) => !path.endsWith('.md') && !path.startsWith(OWN_TESTS));
  return files.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        [...line.matchAll(/\b(docs\/[\w./-]+\.md)(?:#([\w-]+))?/g)].flatMap(([reference, path = '', anchor]) => {
          const problem = findProblem(root, byPath, path, anchor);
          return problem ? [`${file}:${index + 1} refers to ${reference}: ${problem}`] : [];
        }),
      ),
  );
}
