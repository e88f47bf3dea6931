import { deadDocLinks } from './docs/doc-links.mjs';
import { assemble, blockErrors, blocksOf } from './docs/blocks.mjs';
import { deadEntries } from './docs/entries.mjs';
import { deadLinks } from './docs/links.mjs';
import { deadTests } from './docs/named-tests.mjs';
import { readPages } from './docs/page.mjs';
import { deadPaths } from './docs/paths.mjs';
import { createProgram } from './docs/program.mjs';
import { deadReferences } from './docs/references.mjs';
import { root as folder } from './support/root.mjs';

const root = folder.replace(/[/\\]$/, '').replaceAll('\\', '/');
const pages = readPages(root);
const blocks = pages.map(blocksOf);
const assembled = new Map(blocks.flatMap((ofPage) => [...assemble(ofPage)]));
const program = createProgram(root, new Map([...assembled].map(([path, { text }]) => [path, text])));

const faults = [
  ...deadLinks(root, pages),
  ...deadPaths(root, pages),
  ...deadEntries(root, pages, program.getCompilerOptions()),
  ...deadTests(root, pages),
  ...deadReferences(root, pages),
  ...deadDocLinks(root, program),
  ...blockErrors(program, root, assembled),
];
if (faults.length > 0) console.error(faults.join('\n'));
const fragments = blocks.flat().filter(({ isFragment }) => isFragment).length;
console.log(
  `${pages.length} pages, ${assembled.size} TypeScript blocks compiled, ${fragments} fragments, ${faults.length} faults`,
);
process.exitCode = faults.length > 0 ? 1 : 0;
