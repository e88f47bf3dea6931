import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import GithubSlugger from 'github-slugger';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { toString } from 'mdast-util-to-string';
import { gfm } from 'micromark-extension-gfm';
import { visit } from 'unist-util-visit';
import { listFiles } from '../support/list-files.mjs';

/** @import { Root } from 'mdast' */

/**
 * A Markdown file of the checkout.
 *
 * @typedef {object} Page
 * @property {string} path Relative to the checkout, with slashes.
 * @property {Root} tree
 * @property {ReadonlySet<string>} anchors Targets of `#…`: headings in the form that GitHub gives them, and ids in HTML.
 */

/** The folders that hold pages, and whether their subfolders do. */
const folders = /** @type {const} */ ([
  ['.', false],
  ['docs', true],
  ['sample', true],
  ['test', true],
]);

/**
 * Reads the pages of a checkout. The reports in `etc` are not pages.
 *
 * @param {string} root
 * @returns {Page[]}
 */
export function readPages(root) {
  const paths = folders.flatMap(([folder, deep]) =>
    listFiles(root, folder, deep).filter((path) => path.endsWith('.md')),
  );
  return paths.map((path) => parsePage(path, readFileSync(join(root, path), 'utf8')));
}

/**
 * @param {string} path
 * @param {string} text
 * @returns {Page}
 */
export function parsePage(path, text) {
  const tree = fromMarkdown(text, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] });
  const slugger = new GithubSlugger();
  /** @type {Set<string>} */
  const anchors = new Set();
  visit(tree, (node) => {
    if (node.type === 'heading') anchors.add(slugger.slug(toString(node, { includeHtml: false })));
    if (node.type !== 'html') return;
    for (const [, id = ''] of node.value.matchAll(/\b(?:id|name)="([^"]+)"/g)) anchors.add(id);
  });
  return { path, tree, anchors };
}

/**
 * Formats the position of a node so that editors can open it.
 *
 * @param {string} path
 * @param {import('mdast').Nodes} node
 */
export function formatPlace(path, node) {
  return `${path}:${node.position?.start.line ?? 1}`;
}
