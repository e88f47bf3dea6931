import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, root } from '../../tools/support/root.mjs';
import { runTempApp } from './temp-app.mjs';

const { name: self, devDependencies, dependencies } = readJson(join(root, 'package.json'));

/**
 * Checks the example of the README in an empty application with the packages of its first `npm install` line. The code
 * block after `<!-- example -->` must compile, exit with 0 and print the lines of the next code block, if that is text.
 *
 * @param {string} tarball - path of the packed package
 * @throws Error with the reason
 */
export async function checkReadme(tarball) {
  const text = readFileSync(join(root, 'README.md'), 'utf8');
  const [, marked = ''] = text.split('<!-- example -->');
  const [example, next] = Array.from(marked.matchAll(/^```(\w*)\n([^]*?)^```$/gm), ([, language, code = '']) => ({
    language,
    code,
  }));
  if (example?.language !== 'ts') throw new Error('README.md has no TypeScript block after <!-- example -->');
  const expected = next?.language === 'text' ? next.code : '';

  const printed = await runTempApp({
    tarball,
    packages: packagesIn(text),
    sources: { 'main.ts': example.code },
  });
  const missing = expected.split('\n').filter((line) => line.trim() !== '' && !printed.includes(line.trim()));
  if (missing.length > 0)
    throw new Error(`missing output of the example:\n${missing.join('\n')}\nactual output:\n${printed}`);
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
