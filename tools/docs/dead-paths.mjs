import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { visit } from 'unist-util-visit';
import { formatPlace } from './page.mjs';

/** @import { SourceLine } from './comments.mjs' */
/** @import { Page } from './page.mjs' */

/** How paths of the checkout begin. */
const inside = /^(?:lib|test|docs|sample|bench|tools|etc|\.ci|\.github)\//;

/**
 * Finds paths in inline code, shell blocks and comments that look like files of the checkout but do not exist. For a pattern
 * such as `lib/barrier/<name>/`, the part before the placeholder must exist. Build output may be missing.
 *
 * @param {string} root
 * @param {readonly Page[]} pages
 * @param {readonly SourceLine[]} lines
 * @returns {string[]}
 */
export function findDeadPaths(root, pages, lines) {
  const problemsOf = (/** @type {string} */ text, /** @type {string} */ place) =>
    text
      .split(/[\s'"`=(),;]+/)
      .filter((word) => inside.test(word))
      .map((word) => word.replace(/[.:]+$/, ''))
      .filter((word) => !exists(root, word))
      .map((path) => `${place} names ${path}, which does not exist`);

  const ofPages = pages.flatMap(({ path, tree }) => {
    /** @type {string[]} */
    const problems = [];
    visit(tree, (node) => {
      const isCode = node.type === 'inlineCode' || (node.type === 'code' && /^(sh|bash)$/.test(node.lang ?? ''));
      if (isCode) problems.push(...problemsOf(node.value, formatPlace(path, node)));
    });
    return problems;
  });
  // references to pages are checked with their anchors
  const ofComments = lines.flatMap(({ place, comment }) =>
    problemsOf(comment.replaceAll(/\bdocs\/[\w./-]+\.md/g, ''), place),
  );
  return [...ofPages, ...ofComments];
}

/**
 * @param {string} root
 * @param {string} word
 */
function exists(root, word) {
  const [fixed = ''] = word.split(/[*<{$…#]|:\d/);
  return existsSync(join(root, fixed)) || /(^|\/)dist(\/|$)/.test(fixed);
}
