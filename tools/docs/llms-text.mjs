import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { toString } from 'mdast-util-to-string';
import { visit } from 'unist-util-visit';
import { readJson } from '../support/root.mjs';
import { parsePage } from './page.mjs';

/** @import { RootContent } from 'mdast' */
/** @import { Page } from './page.mjs' */

/** The page with the rules. */
const RULES = 'docs/patterns.md';

/** The section of the README that lists the pages. */
const LIST = 'Documentation';

/**
 * Creates the text of llms.txt, in the form of llmstxt.org: the description of the package, the rules of `docs/patterns.md`,
 * and the list of pages of the README.
 *
 * @param {string} root - of the checkout
 * @returns {string}
 */
export function createLlmsText(root) {
  const readme = readPage(root, 'README.md');
  const rules = readPage(root, RULES);
  const [title] = contentOf(readme);
  const list = sectionOf(readme, LIST);
  const parts = [
    textOf(readme, [title]),
    `> ${readJson(join(root, 'package.json')).description}`,
    // without the title and the introduction, which is for readers of the page
    textOf(rules, contentOf(rules).slice(2)),
    `## ${LIST}`,
    textOf(readme, list),
  ];
  return `${parts.join('\n\n')}\n`;
}

/**
 * @param {string} root
 * @param {string} path
 * @returns {Page & { text: string }}
 */
function readPage(root, path) {
  const text = readFileSync(join(root, path), 'utf8');
  return { ...parsePage(path, text), text };
}

/**
 * The blocks of a page, without HTML comments.
 *
 * @param {Page} page
 */
function contentOf({ tree }) {
  return tree.children.filter(({ type }) => type !== 'html');
}

/**
 * The blocks below a heading.
 *
 * @param {Page} page
 * @param {string} heading
 */
function sectionOf(page, heading) {
  const blocks = contentOf(page);
  const start = blocks.findIndex((block) => block.type === 'heading' && toString(block) === heading);
  if (start < 0) throw new Error(`${page.path} has no heading ${heading}`);
  const rest = blocks.slice(start + 1);
  const end = rest.findIndex(({ type }) => type !== 'list');
  return end < 0 ? rest : rest.slice(0, end);
}

/**
 * The source text of blocks. Links are made relative to the root.
 *
 * @param {Page & { text: string }} page
 * @param {readonly (RootContent | undefined)[]} blocks
 */
function textOf({ path, text }, blocks) {
  return blocks
    .map((block) => {
      if (!block?.position) return '';
      const start = /** @type {number} */ (block.position.start.offset);
      let part = text.slice(start, block.position.end.offset);
      /** @type {{ start: number, end: number, url: string }[]} */
      const links = [];
      visit(block, 'link', ({ url, position }) => {
        if (/^[a-z]+:/.test(url) || !position) return;
        const target = url.startsWith('#') ? `${path}${url}` : posix.join(posix.dirname(path), url);
        links.push({
          start: /** @type {number} */ (position.start.offset) - start,
          end: /** @type {number} */ (position.end.offset) - start,
          url: target,
        });
      });
      for (const { start: from, end, url } of links.toReversed()) {
        part = `${part.slice(0, from)}${part.slice(from, end).replace(/\]\([^)]*\)$/, () => `](${url})`)}${part.slice(end)}`;
      }
      return part;
    })
    .join('\n\n');
}
