import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles } from '../support/list-files.mjs';

/** The tests of the checks contain dead references on purpose. */
const OWN_TESTS = 'test/unit/tools/';

const folders = ['lib', 'sample', 'test', 'bench', 'tools'];

/**
 * Code of the checkout, and what its comments say.
 *
 * @typedef {object} SourceLine
 * @property {string} place Path and line, as editors open it.
 * @property {string} text The whole line.
 * @property {string} comment Empty when the line has no comment.
 */

/**
 * Reads all code of a checkout, line by line.
 *
 * @param {string} root
 * @returns {SourceLine[]}
 */
export function readSourceLines(root) {
  const files = folders.flatMap((folder) => listFiles(root, folder));
  return files
    .filter((path) => !path.endsWith('.md') && !path.startsWith(OWN_TESTS))
    .flatMap((path) =>
      readFileSync(join(root, path), 'utf8')
        .split('\n')
        .map((text, index) => ({ place: `${path}:${index + 1}`, text, comment: getComment(text) })),
    );
}

/** @param {string} line */
function getComment(line) {
  const [, whole, trailing] = /^\s*(?:\/?\*+|\/\/)(.*)|\s\/\/ (.*)/.exec(line) ?? [];
  return whole ?? trailing ?? '';
}
