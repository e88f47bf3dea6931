import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { visit } from 'unist-util-visit';
import { formatPlace } from './page.mjs';

/** @import { Nodes } from 'mdast' */
/** @import { Page } from './page.mjs' */

/**
 * Finds links whose file or anchor does not exist.
 *
 * @param {string} root
 * @param {readonly Page[]} pages
 * @returns {string[]}
 */
export function findDeadLinks(root, pages) {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  return pages.flatMap((page) => {
    /** @type {string[]} */
    const problems = [];
    const check = (/** @type {string} */ url, /** @type {Nodes} */ node) => {
      if (/^([a-z][a-z\d+.-]*:|\/\/)/i.test(url)) return;
      const [path = '', anchor] = decodeURI(url).split('#');
      const target = path === '' ? page.path : posix.join(path.startsWith('/') ? '.' : posix.dirname(page.path), path);
      const problem = findProblem(root, byPath, target, anchor);
      if (problem) problems.push(`${formatPlace(page.path, node)} links to ${url}: ${problem}`);
    };
    visit(page.tree, (node) => {
      if (node.type === 'link' || node.type === 'image' || node.type === 'definition') check(node.url, node);
      else if (node.type === 'html') {
        for (const [, url = ''] of node.value.matchAll(/\b(?:href|src)=["']([^"']+)["']/g)) check(url, node);
      } else if (node.type === 'text') {
        // Markdown leaves a reference that is not defined as text
        for (const [, name] of node.value.matchAll(/\]\[([^\]]+)\]/g)) {
          problems.push(`${formatPlace(page.path, node)} links to [${name}], which the page does not define`);
        }
      }
    });
    return problems;
  });
}

/**
 * Finds out why a reference is dead: the file does not exist, or the page lacks the anchor.
 *
 * @param {string} root
 * @param {ReadonlyMap<string, Page>} pages - by path
 * @param {string} path - relative to the root
 * @param {string | undefined} anchor
 * @returns {string | undefined}
 */
export function findProblem(root, pages, path, anchor) {
  if (path.startsWith('..') || !existsSync(join(root, path))) return `${path} does not exist`;
  if (!anchor) return undefined;
  const page = pages.get(path);
  if (page) return page.anchors.has(anchor) ? undefined : `${path} has no heading #${anchor}`;
  return /^L\d+(-L\d+)?$/.test(anchor) ? undefined : `${path} is not a page with anchors`;
}
