import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { toString } from 'mdast-util-to-string';
import ts from 'typescript';
import { visit } from 'unist-util-visit';
import { formatPlace } from './page.mjs';

/** @import { PhrasingContent } from 'mdast' */
/** @import { Page } from './page.mjs' */

/**
 * Finds tests that a page names but that do not exist. A page names a test by its path below `test/` and words of titles:
 * `e2e/server/states.spec.ts` › submit again; forceStop. `…` stands for omitted words.
 *
 * @param {string} root
 * @param {readonly Page[]} pages
 * @returns {string[]}
 */
export function findMissingTests(root, pages) {
  /** @type {Map<string, string[]>} */
  const stringsByPath = new Map();
  const stringsOf = (/** @type {string} */ path) => {
    const strings = stringsByPath.get(path) ?? readStrings(root, path);
    stringsByPath.set(path, strings);
    return strings;
  };

  return pages.flatMap(({ path: page, tree }) => {
    /** @type {string[]} */
    const problems = [];
    visit(tree, 'inlineCode', (node, index, parent) => {
      const words = getWordsAfter(/** @type {PhrasingContent[]} */ (parent?.children), Number(index));
      if (!isTestFile(node) || !(words || node.value.includes('/'))) return;
      const path = node.value.startsWith('test/') ? node.value : `test/${node.value}`;
      if (!existsSync(join(root, path))) {
        problems.push(`${formatPlace(page, node)} names the test ${node.value}: ${path} does not exist`);
      } else if (words && !hasTitle(stringsOf(path), words)) {
        problems.push(`${formatPlace(page, node)} names the test "${words}": no title in ${path} has these words`);
      }
    });
    return problems;
  });
}

/**
 * Returns the words between a path with `›` and the next path.
 *
 * @param {readonly PhrasingContent[]} siblings
 * @param {number} index - of the path
 * @returns {string | undefined}
 */
function getWordsAfter(siblings, index) {
  const rest = siblings.slice(index + 1);
  const next = rest.findIndex(isTestFile);
  const text = toString(next === -1 ? rest : rest.slice(0, next));
  const [, words] = /^\s*›\s*([^]*?)[\s,;.)]*$/.exec(text) ?? [];
  return words;
}

/** @param {PhrasingContent} node */
function isTestFile(node) {
  return node.type === 'inlineCode' && /^[\w./-]+(\.spec|-contract)\.ts$/.test(node.value);
}

/**
 * Whether a title contains the words. For a list, a title must contain each item.
 *
 * @param {readonly string[]} titles
 * @param {string} words
 * @returns {boolean}
 */
function hasTitle(titles, words) {
  const [first = '', ...gaps] = plain(words).split(/ ?… ?/);
  const inOne = titles.some((title) => {
    let end = title.indexOf(first);
    for (const part of gaps) end = end === -1 ? -1 : title.indexOf(part, end);
    return end !== -1;
  });
  if (inOne) return true;
  const parts = words.split(/[;,]\s/);
  return parts.length > 1 && parts.every((part) => hasTitle(titles, part));
}

/**
 * Reads all strings of a test and of the test files that it imports, because tables and contract cases hold titles too.
 *
 * @param {string} root
 * @param {string} first - path of the test
 * @returns {string[]}
 */
function readStrings(root, first) {
  /** @type {string[]} */
  const strings = [];
  const files = new Set([join(root, first)]);
  for (const file of files) {
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
    const collect = (/** @type {ts.Node} */ node) => {
      if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) strings.push(plain(node.getText(source)));
      ts.forEachChild(node, collect);
    };
    collect(source);
    for (const { fileName } of ts.preProcessFile(source.text).importedFiles) {
      const imported = join(dirname(file), fileName.replace(/\.js$/, '.ts'));
      if (fileName.startsWith('.') && imported.startsWith(join(root, 'test')) && existsSync(imported))
        files.add(imported);
    }
  }
  return strings;
}

/** @param {string} text */
function plain(text) {
  return text
    .toLowerCase()
    .replaceAll(/[`'"\\]/g, '')
    .replaceAll(/\s+/g, ' ');
}
