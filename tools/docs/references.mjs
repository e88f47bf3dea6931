import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultOf } from './links.mjs';
import { filesBelow } from './page.mjs';

/** @import { Page } from './page.mjs' */

/** Tests of this check, which break references on purpose. */
const OWN_TESTS = 'test/unit/tools/';

const folders = ['lib', 'sample', 'test', 'bench', 'tools'];

/**
 * References from code to a page, such as `docs/testing.md`, with or without an anchor, that lead nowhere.
 *
 * @param {string} root
 * @param {readonly Page[]} pages
 * @returns {string[]}
 */
export function deadReferences(root, pages) {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  const all = folders.flatMap((folder) => filesBelow(root, folder));
  const files = all.filter((path) => !path.endsWith('.md') && !path.startsWith(OWN_TESTS));
  return files.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        [...line.matchAll(/\b(docs\/[\w./-]+\.md)(?:#([\w-]+))?/g)].flatMap(([reference, path = '', anchor]) => {
          const fault = faultOf(root, byPath, path, anchor);
          return fault ? [`${file}:${index + 1} refers to ${reference}: ${fault}`] : [];
        }),
      ),
  );
}
