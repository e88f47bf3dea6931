import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLlmsText } from './docs/llms-text.mjs';
import { root } from './support/root.mjs';

// Writes llms.txt from README.md and docs/patterns.md. With --check, compares it instead.
const path = join(root, 'llms.txt');
const text = createLlmsText(root);
if (!process.argv.includes('--check')) writeFileSync(path, text);
else if (readFileSync(path, 'utf8') !== text) {
  console.error('llms.txt is not what README.md and docs/patterns.md give; run npm run llms and commit llms.txt.');
  process.exitCode = 1;
}
