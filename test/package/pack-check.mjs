import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { listFiles } from '../../tools/support/list-files.mjs';
import { readJson, root } from '../../tools/support/root.mjs';
import { publicEntries } from './entries.mjs';

/** @import { Tarball } from './tarball.mjs' */

const { bin } = readJson(join(root, 'package.json'));

/** Files beside those of the build; links in the pages lead to some of them. */
const documents = [
  'package.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'llms.txt',
  ...listFiles(root, 'docs'),
  ...listFiles(root, 'sample/src'),
];

/** Makes the files of its folder CommonJS. */
const cjsManifest = 'dist/cjs/package.json';

/**
 * Checks the files of the package: all required files, no others, and no source map with a missing source.
 *
 * @param {Tarball} tarball
 * @throws Error with the files
 */
export function checkFiles({ files }) {
  /** @type {string[]} */
  const programs = Object.values(bin);
  const paths = publicEntries().flatMap(({ types, code, cjs }) => [types, code, cjs.types, cjs.code]);
  const needed = [...documents, cjsManifest, ...programs, ...paths];
  const missing = needed.filter((file) => !files.includes(file));
  const unwanted = files.filter((file) => !documents.includes(file) && file !== cjsManifest && !isBuilt(file));
  const faults = [
    ...missing.map((file) => `${file} is missing`),
    ...unwanted.map((file) => `${file} must not be in the package`),
    ...programs.filter((file) => !isProgram(file)).map((file) => `${file} does not start with #!/usr/bin/env node`),
    ...files.flatMap((file) => sourcesOf(file).map((source) => `${file} refers to ${source}, which is missing`)),
  ];
  if (faults.length > 0) throw new Error(faults.join('\n'));

  /**
   * Sources that a file refers to but that the package lacks.
   *
   * @param {string} file
   */
  function sourcesOf(file) {
    const references = referencesOf(file).map((reference) => asPosix(join(dirname(file), reference)));
    return references.filter((source) => !files.includes(source));
  }
}

/** @param {string} file */
function isProgram(file) {
  const path = join(root, file);
  return existsSync(path) && readFileSync(path, 'utf8').startsWith('#!/usr/bin/env node\n');
}

/** @param {string} file */
function isBuilt(file) {
  return /^dist\/.+\.(js|d\.ts)(\.map)?$/.test(file) && !/\.(spec|test|test-d)\./.test(file);
}

/**
 * @param {string} file
 * @returns {string[]}
 */
function referencesOf(file) {
  const path = join(root, file);
  if (!isBuilt(file) || !existsSync(path)) return [];
  const text = readFileSync(path, 'utf8');
  if (!file.endsWith('.map'))
    return [...text.matchAll(/^\/\/# sourceMappingURL=(.+)$/gm)].map((match) => String(match[1]));
  /** @type {{ sources: string[], sourcesContent?: (string | null)[] }} */
  const { sources, sourcesContent = [] } = JSON.parse(text);
  return sources.filter((_, index) => typeof sourcesContent[index] !== 'string');
}

/** @param {string} path */
function asPosix(path) {
  return path.replaceAll('\\', '/');
}
