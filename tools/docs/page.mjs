import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import GithubSlugger from 'github-slugger';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { toString } from 'mdast-util-to-string';
import { gfm } from 'micromark-extension-gfm';
import { visit } from 'unist-util-visit';

/** @import { Root } from 'mdast' */

/**
 * A Markdown file of the checkout.
 *
 * @typedef {object} Page
 * @property {string} path Relative to the checkout, with slashes.
 * @property {Root} tree
 * @property {ReadonlySet<string>} anchors What `#…` can name: headings as GitHub does it, and ids in HTML.
 */

/** Folders with pages, and whether to look below them. */
const folders = /** @type {const} */ ([
  ['.', false],
  ['docs', true],
  ['sample', true],
  ['test', true],
]);

/**
 * Every page of a checkout that people read. The reports in `etc` are made by a program.
 *
 * @param {string} root
 * @returns {Page[]}
 */
export function readPages(root) {
  const paths = folders.flatMap(([folder, deep]) =>
    filesBelow(root, folder, deep).filter((path) => path.endsWith('.md')),
  );
  return paths.map((path) => readPage(path, readFileSync(join(root, path), 'utf8')));
}

/**
 * @param {string} path
 * @param {string} text
 * @returns {Page}
 */
export function readPage(path, text) {
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
 * Files of a folder without what is installed or built.
 *
 * @param {string} root
 * @param {string} folder - relative to the root
 * @param {boolean} deep - whether to look below it
 * @returns {string[]} relative to the root, sorted
 */
export function filesBelow(root, folder, deep = true) {
  if (!existsSync(join(root, folder))) return [];
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  const paths = entries.flatMap((entry) => {
    const path = folder === '.' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isFile()) return [path];
    return deep && entry.isDirectory() && !['node_modules', 'dist'].includes(entry.name) ? filesBelow(root, path) : [];
  });
  return paths.toSorted();
}

/**
 * A place in a page, as editors understand it.
 *
 * @param {string} path
 * @param {import('mdast').Nodes} node
 */
export function placeOf(path, node) {
  return `${path}:${node.position?.start.line ?? 1}`;
}
