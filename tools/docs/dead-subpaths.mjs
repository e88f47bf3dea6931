import { join } from 'node:path';
import ts from 'typescript';
import { visit } from 'unist-util-visit';
import { readJson } from '../support/root.mjs';
import { formatPlace } from './page.mjs';

/** @import { SourceLine } from './comments.mjs' */
/** @import { Page } from './page.mjs' */

/**
 * Finds subpaths of the package, in the code of pages and in comments, that users cannot import.
 *
 * @param {string} root
 * @param {readonly Page[]} pages
 * @param {readonly SourceLine[]} lines
 * @param {ts.CompilerOptions} options - resolve the name of the package to its sources
 * @returns {string[]}
 */
export function findDeadSubpaths(root, pages, lines, options) {
  const { name, exports } = readJson(join(root, 'package.json'));
  const patterns = Object.keys(exports).map(
    (subpath) => new RegExp(`^${subpath.replace('.', name).replace('*', '[^/]+')}$`),
  );
  const isEntry = (/** @type {string} */ entry) =>
    patterns.some((pattern) => pattern.test(entry)) &&
    ts.resolveModuleName(entry, join(root, 'page.ts'), options, ts.sys).resolvedModule !== undefined;
  const mention = new RegExp(`(?<![\\w/.-])${name}/[\\w/-]+(?![*<\\w/-])`, 'g');

  const problemsOf = (/** @type {string} */ text, /** @type {string} */ place) =>
    [...text.matchAll(mention)]
      .filter(([entry]) => !isEntry(entry))
      .map(([entry]) => `${place} names ${entry}, which package.json does not export`);

  const ofPages = pages.flatMap(({ path, tree }) => {
    /** @type {string[]} */
    const problems = [];
    visit(tree, (node) => {
      if (node.type === 'inlineCode' || node.type === 'code') {
        problems.push(...problemsOf(node.value, formatPlace(path, node)));
      }
    });
    return problems;
  });
  return [...ofPages, ...lines.flatMap(({ place, comment }) => problemsOf(comment, place))];
}
