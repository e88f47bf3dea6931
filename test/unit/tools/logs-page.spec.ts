import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const page = readFileSync(resolve(root, 'docs/logs.md'), 'utf8');

/** A call of a logger with a text. The text may have parts that are computed. */
const CALL =
  /(?:[lL]ogger|lineLimit|#logError)(?:\.(?:log|debug|info|warn|error|write)|)\(\s*(?:'(?:warn|error)',\s*)?(['`])([^]*?)\1/g;

/** The fixed parts of a text that are long enough to find. */
const partsOf = (text: string): readonly string[] =>
  text
    .split(/\$\{[^]*?\}(?=[^'}]|$)/)
    .map((part) => part.replaceAll(/^\W+|\W+$/g, ''))
    .filter((part) => part.length > 8);

it('docs/logs.md has every line of the coordinator and of the module', () => {
  const texts = ['lib/server', 'lib/nest'].flatMap((folder) =>
    readdirSync(join(root, folder), { encoding: 'utf8', recursive: true })
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => [...readFileSync(join(root, folder, file), 'utf8').matchAll(CALL)].map((match) => match[2]!)),
  );
  expect(texts.length).toBeGreaterThan(25);
  const missing = texts.filter((text) => !partsOf(text).every((part) => page.includes(part)));
  expect(missing).toEqual([]);
});
