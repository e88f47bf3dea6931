import { assembleModules, findBlockErrors, getBlocks } from './code-blocks.mjs';
import { readSourceLines } from './comments.mjs';
import { findDeadDocLinks } from './dead-doc-links.mjs';
import { findDeadLinks } from './dead-links.mjs';
import { findDeadPaths } from './dead-paths.mjs';
import { findDeadReferences } from './dead-references.mjs';
import { findDeadScripts } from './dead-scripts.mjs';
import { findDeadSubpaths } from './dead-subpaths.mjs';
import { createDocsProgram } from './docs-program.mjs';
import { findMissingTests } from './missing-tests.mjs';
import { readPages } from './page.mjs';

/**
 * Checks the pages and comments of a checkout: links, anchors, paths, subpaths, scripts, names of tests and `{@link}`s must lead
 * somewhere, and TypeScript must compile.
 *
 * @param {string} folder - of the checkout
 * @returns {{ problems: string[], summary: string }}
 */
export function checkDocs(folder) {
  const root = folder.replaceAll('\\', '/').replace(/\/$/, '');
  const pages = readPages(root);
  const lines = readSourceLines(root);
  const blocks = pages.map(getBlocks);
  const modules = new Map(blocks.flatMap((ofPage) => [...assembleModules(ofPage)]));
  const program = createDocsProgram(root, new Map([...modules].map(([path, { text }]) => [path, text])));

  const problems = [
    ...findDeadLinks(root, pages),
    ...findDeadPaths(root, pages, lines),
    ...findDeadSubpaths(root, pages, lines, program.getCompilerOptions()),
    ...findDeadScripts(root, pages, lines),
    ...findMissingTests(root, pages),
    ...findDeadReferences(root, pages, lines),
    ...findDeadDocLinks(root, program),
    ...findBlockErrors(program, root, modules),
  ];
  const fragments = blocks.flat().filter(({ isFragment }) => isFragment).length;
  const counts = [`${pages.length} pages`, `${modules.size} TypeScript blocks`, `${fragments} fragments`];
  return { problems, summary: [...counts, `${problems.length} problems`].join(', ') };
}
