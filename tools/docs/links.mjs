import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { visit } from 'unist-util-visit';
import { placeOf } from './page.mjs';

/** @import { Page } from './page.mjs' */

/**
 * Links of the pages that lead to no file, or to no anchor in a page.
 *
 * @param {string} root
 * @param {readonly Page[]} pages
 * @returns {string[]}
 */
export function deadLinks(root, pages) {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  return pages.flatMap((page) => {
    /** @type {string[]} */
    const faults = [];
    visit(page.tree, (node) => {
      if (node.type !== 'link' && node.type !== 'image' && node.type !== 'definition') return;
      if (/^([a-z][a-z\d+.-]*:|\/\/)/i.test(node.url)) return;
      const [path = '', anchor] = decodeURI(node.url).split('#');
      const target = path === '' ? page.path : posix.join(path.startsWith('/') ? '.' : posix.dirname(page.path), path);
      const fault = faultOf(root, byPath, target, anchor);
      if (fault) faults.push(`${placeOf(page.path, node)} links to ${node.url}: ${fault}`);
    });
    return faults;
  });
}

/**
 * What is wrong with a reference to a file, or to an anchor in a page.
 *
 * @param {string} root
 * @param {ReadonlyMap<string, Page>} pages - by path
 * @param {string} path - relative to the root
 * @param {string | undefined} anchor
 * @returns {string | undefined}
 */
export function faultOf(root, pages, path, anchor) {
  if (path.startsWith('..') || !existsSync(join(root, path))) return `${path} does not exist`;
  if (!anchor) return undefined;
  const page = pages.get(path);
  if (page) return page.anchors.has(anchor) ? undefined : `${path} has no heading #${anchor}`;
  return /^L\d+(-L\d+)?$/.test(anchor) ? undefined : `${path} is not a page with anchors`;
}
