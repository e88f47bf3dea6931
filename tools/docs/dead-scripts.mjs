import { join } from 'node:path';
import { visit } from 'unist-util-visit';
import { readJson } from '../support/root.mjs';
import { formatPlace } from './page.mjs';

/** @import { SourceLine } from './comments.mjs' */
/** @import { Page } from './page.mjs' */

/**
 * Finds scripts, called with `npm run` in pages and code, that `package.json` does not have.
 *
 * @param {string} root
 * @param {readonly Page[]} pages
 * @param {readonly SourceLine[]} lines
 * @returns {string[]}
 */
export function findDeadScripts(root, pages, lines) {
  const { scripts = {} } = readJson(join(root, 'package.json'));
  const problemsOf = (/** @type {string} */ text, /** @type {string} */ place) =>
    [...text.matchAll(/\bnpm run (?:-\S+ )*([\w][\w:-]*)/g)]
      .filter(([, script = '']) => !Object.hasOwn(scripts, script))
      .map(([, script]) => `${place} names npm run ${script}, which package.json does not have`);

  const ofPages = pages.flatMap(({ path, tree }) => {
    /** @type {string[]} */
    const problems = [];
    visit(tree, (node) => {
      if (node.type === 'inlineCode' || node.type === 'code' || node.type === 'text') {
        problems.push(...problemsOf(node.value, formatPlace(path, node)));
      }
    });
    return problems;
  });
  return [...ofPages, ...lines.flatMap(({ place, text }) => problemsOf(text, place))];
}
