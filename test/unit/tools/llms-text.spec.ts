import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createLlmsText } from '../../../tools/docs/llms-text.mjs';
import { tempFolder } from '../../support/temp-folder.js';

const readme = `# bank

An introduction.

## Documentation

- [Branches](docs/branches.md): write a participant. [Saga](docs/saga.md)
- [Changes](CHANGELOG.md)

MIT licensed.
`;

const patterns = `# Patterns

What this page is. It is for [readers](../llms.txt).

## Write a branch

<!-- ts
declare const hidden: number;
-->

\`\`\`ts
const [a](b) = 1; // [no link](x.md)
\`\`\`

- See [the table](barrier.md#the-table) and [below](#throw), or [the web](https://example.com/a).

## Throw
`;

function textOf(files: Readonly<Record<string, string>>): string {
  const root = tempFolder();
  mkdirSync(join(root, 'docs'));
  for (const [path, text] of Object.entries(files)) writeFileSync(join(root, path), text);
  return createLlmsText(root);
}

describe('createLlmsText', () => {
  const files = {
    'package.json': '{"description":"Moves money"}',
    'README.md': readme,
    'docs/patterns.md': patterns,
  };

  it('has the description, the rules and the list of pages, with links from the root', () => {
    expect(textOf(files)).toBe(`# bank

> Moves money

## Write a branch

\`\`\`ts
const [a](b) = 1; // [no link](x.md)
\`\`\`

- See [the table](docs/barrier.md#the-table) and [below](docs/patterns.md#throw), or [the web](https://example.com/a).

## Throw

## Documentation

- [Branches](docs/branches.md): write a participant. [Saga](docs/saga.md)
- [Changes](CHANGELOG.md)
`);
  });

  it('needs the list of pages', () => {
    const text = readme.replace('## Documentation', '## Pages');
    expect(() => textOf({ ...files, 'README.md': text })).toThrow('README.md has no heading Documentation');
  });

  it('has given llms.txt', () => {
    const root = resolve(import.meta.dirname, '../../..');
    expect(readFileSync(join(root, 'llms.txt'), 'utf8')).toBe(createLlmsText(root));
  });
});
