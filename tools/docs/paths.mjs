import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { visit } from 'unist-util-visit';
import { placeOf } from './page.mjs';

/** @import { Page } from './page.mjs' */

/** How a path into the checkout begins. */
const inside = /^(?:lib|test|docs|sample|bench|tools|\.ci|\.github)\//;

/**
 * Paths in code, inline or in a block for the shell, that look like files of the checkout and are not there. Of a pattern
 * such as `lib/barrier/<name>/` the part before the placeholder counts; what is built may be missing.
 *
 * @param {string} root
 * @param {readonly Page[]} pages
 * @returns {string[]}
 */
export function deadPaths(root, pages) {
  return pages.flatMap(({ path: page, tree }) => {
    /** @type {string[]} */
    const faults = [];
    visit(tree, (node) => {
      const isCode = node.type === 'inlineCode' || (node.type === 'code' && /^(sh|bash)$/.test(node.lang ?? ''));
      if (!isCode) return;
      for (const path of node.value.split(/[\s'"=(),;]+/).filter((word) => inside.test(word))) {
        const [fixed = ''] = path.split(/[*<{$…#]|:\d/);
        const isThere = existsSync(join(root, fixed)) || /(^|\/)dist(\/|$)/.test(fixed);
        if (!isThere) faults.push(`${placeOf(page, node)} names ${path}, which does not exist`);
      }
    });
    return faults;
  });
}
