import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { visit } from 'unist-util-visit';
import { formatPlace } from './page.mjs';

/** @import { Page } from './page.mjs' */

/** How paths of the checkout begin. */
const inside = /^(?:lib|test|docs|sample|bench|tools|etc|\.ci|\.github)\//;

/**
 * Finds paths in inline code and shell blocks that look like files of the checkout but do not exist. For a pattern such as
 * `lib/barrier/<name>/`, the part before the placeholder must exist. Build output may be missing.
 *
 * @param {string} root
 * @param {readonly Page[]} pages
 * @returns {string[]}
 */
export function findDeadPaths(root, pages) {
  return pages.flatMap(({ path: page, tree }) => {
    /** @type {string[]} */
    const problems = [];
    visit(tree, (node) => {
      const isCode = node.type === 'inlineCode' || (node.type === 'code' && /^(sh|bash)$/.test(node.lang ?? ''));
      if (!isCode) return;
      for (const path of node.value.split(/[\s'"=(),;]+/).filter((word) => inside.test(word))) {
        const [fixed = ''] = path.split(/[*<{$…#]|:\d/);
        const exists = existsSync(join(root, fixed)) || /(^|\/)dist(\/|$)/.test(fixed);
        if (!exists) problems.push(`${formatPlace(page, node)} names ${path}, which does not exist`);
      }
    });
    return problems;
  });
}
