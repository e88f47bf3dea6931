import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { readJson, root } from '../../tools/support/root.mjs';
import { publicEntries } from './entries.mjs';
import { runTempApp } from './temp-app.mjs';

/** @import { FlavourName } from './temp-app.mjs' */

const { name: self } = readJson(`${root}/package.json`);

const expected = ['in-process', 'http'].flatMap((over) => [
  `saga ${over} succeeded: reserve 1`,
  `saga ${over} rolled back: reserve 2, reserve 99, release 99, release 2`,
]);

/**
 * Checks the installed package without optional peers: an application loads every entry that needs no optional peer, runs
 * a saga that succeeds and a saga that is rolled back, each with branches in process and over HTTP.
 *
 * @param {FlavourName} flavour
 * @param {string} tarball - path of the packed package
 * @throws Error with the actual output of the application
 */
export async function checkApp(flavour, tarball) {
  const main = readFileSync(new URL('app/main.ts', import.meta.url), 'utf8');
  const printed = await runTempApp({
    flavour,
    tarball,
    sources: { 'main.ts': `import './entries.js';\n${main}`, 'entries.ts': importEntries() },
  });
  const lines = printed.split(/\r?\n/);
  const missing = expected.filter((line) => !lines.includes(line));
  if (missing.length > 0) throw new Error(`missing output:\n${missing.join('\n')}\nactual output:\n${printed}`);
}

function importEntries() {
  const entries = publicEntries().filter(({ subpath, peers }) => subpath === '.' || peers.length === 0);
  return entries
    .map(({ subpath }, index) => `export * as entry${index} from '${posix.join(self, subpath)}';\n`)
    .join('');
}
