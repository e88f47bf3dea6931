import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, root } from '../../tools/support/root.mjs';
import { runTempApp } from './temp-app.mjs';

const { name: self, devDependencies, dependencies } = readJson(join(root, 'package.json'));

/**
 * Checks the example of the README as a reader would: in an empty application with the packages of its first
 * `npm install` line, the code block behind `<!-- example -->` must compile, end with exit code 0, and print the lines of
 * the next code block, if that is a text.
 *
 * @param {string} tarball - path of the packed package
 * @throws Error saying what went wrong
 */
export async function checkReadme(tarball) {
  const text = readFileSync(join(root, 'README.md'), 'utf8');
  const [, marked = ''] = text.split('<!-- example -->');
  const [example, next] = Array.from(marked.matchAll(/^```(\w*)\n([^]*?)^```$/gm), ([, language, code = '']) => ({
    language,
    code,
  }));
  if (example?.language !== 'ts') throw new Error('README.md has no TypeScript behind <!-- example -->');
  const expected = next?.language === 'text' ? next.code : '';

  const printed = await runTempApp({
    flavour: 'nest12',
    tarball,
    packages: packagesIn(text),
    sources: { 'main.ts': example.code },
  });
  const missing = expected.split('\n').filter((line) => line.trim() !== '' && !printed.includes(line.trim()));
  if (missing.length > 0) throw new Error(`the example did not print:\n${missing.join('\n')}\nIt printed:\n${printed}`);
}

/**
 * @param {string} text
 * @returns {Record<string, string>}
 */
function packagesIn(text) {
  const [, names] = /^(?:\$ )?npm (?:install|i|add) ([^#\n]+)/m.exec(text) ?? [];
  if (names === undefined) throw new Error('README.md has no line "npm install …"');
  const wanted = names
    .trim()
    .split(/\s+/)
    .filter((name) => !name.startsWith('-') && name !== self);
  return Object.fromEntries(wanted.map((name) => [name, devDependencies[name] ?? dependencies[name] ?? 'latest']));
}
