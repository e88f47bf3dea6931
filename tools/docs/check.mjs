import { assemble, blockErrors, blocksOf } from './blocks.mjs';
import { deadDocLinks } from './doc-links.mjs';
import { deadEntries } from './entries.mjs';
import { deadLinks } from './links.mjs';
import { deadTests } from './named-tests.mjs';
import { readPages } from './page.mjs';
import { deadPaths } from './paths.mjs';
import { createProgram } from './program.mjs';
import { deadReferences } from './references.mjs';

/**
 * What pages and comments of a checkout say and what is not so: links, anchors, paths, subpaths, names of tests, and
 * `{@link}`s that lead nowhere; TypeScript that does not compile.
 *
 * @param {string} folder - of the checkout
 * @returns {{ faults: string[], summary: string }}
 */
export function checkDocs(folder) {
  const root = folder.replaceAll('\\', '/').replace(/\/$/, '');
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
  const fragments = blocks.flat().filter(({ isFragment }) => isFragment).length;
  const counts = [`${pages.length} pages`, `${assembled.size} TypeScript blocks`, `${fragments} fragments`];
  return { faults, summary: [...counts, `${faults.length} faults`].join(', ') };
}
