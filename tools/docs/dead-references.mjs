import { findProblem } from './dead-links.mjs';

/** @import { SourceLine } from './comments.mjs' */
/** @import { Page } from './page.mjs' */

/**
 * Finds references from code to pages, such as `docs/testing.md`, whose page or anchor does not exist.
 *
 * @param {string} root
 * @param {readonly Page[]} pages
 * @param {readonly SourceLine[]} lines
 * @returns {string[]}
 */
export function findDeadReferences(root, pages, lines) {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  return lines.flatMap(({ place, text }) =>
    [...text.matchAll(/\b(docs\/[\w./-]+\.md)(?:#([\w-]+))?/g)].flatMap(([reference, path = '', anchor]) => {
      const problem = findProblem(root, byPath, path, anchor);
      return problem ? [`${place} refers to ${reference}: ${problem}`] : [];
    }),
  );
}
