import { join, posix } from 'node:path';
import { readJson, root } from '../../tools/support/root.mjs';
import { publicEntries } from './entries.mjs';
import { generateApp } from './generated-app.mjs';
import { checkInit } from './init-check.mjs';

/** @import { GeneratedApp } from './generated-app.mjs' */

const { name: self } = readJson(join(root, 'package.json'));

const files = ['stock.module.ts', 'stock.spec.ts', 'sagas.ts'];

/**
 * Checks the installed package in an application that the CLI of Nest 12 generated: ES modules and Vitest.
 *
 * @param {string} tarball - path of the packed package
 * @throws Error with the output of the first command that failed
 */
export async function checkNest12(tarball) {
  const app = await generateApp('nest12', tarball, files);
  await checkGenerated(app);
  // the declarations with the TypeScript of this repository
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  app.write('tsconfig.libraries.json', {
    extends: './tsconfig.json',
    compilerOptions: { skipLibCheck: false, noEmit: true, incremental: false, types: ['node'] },
    include: ['src'],
    exclude: ['src/**/*.spec.ts'],
  });
  await app.run(`"${process.execPath}" "${tsc}" -p tsconfig.libraries.json`);
  app.restore();
  await checkInit(app);
}

/**
 * Checks the installed package in an application that the CLI of Nest 11 generated: CommonJS and Jest.
 *
 * @param {string} tarball - path of the packed package
 * @throws Error with the output of the first command that failed
 */
export async function checkNest11(tarball) {
  const app = await generateApp('nest11', tarball, [...files, 'both-builds.spec.ts', 'reset-modules.spec.ts']);
  await checkGenerated(app);
  await app.run('npm run test -- reset-modules');
  await app.run('node --experimental-vm-modules node_modules/jest/bin/jest.js both-builds');
  // Node has one copy for import and require
  const compare = `import('${self}').then(({ SagaBranch }) => console.log(require('${self}').SagaBranch === SagaBranch))`;
  const printed = await app.run(`node --eval "${compare}"`);
  if (printed.trim() !== 'true') throw new Error('Node loads two copies of the package');
  // older applications: a module resolution that ignores `exports`
  app.write('tsconfig.old.json', {
    extends: './tsconfig.json',
    compilerOptions: {
      module: 'commonjs',
      moduleResolution: 'node10',
      resolvePackageJsonExports: false,
      noEmit: true,
      incremental: false,
    },
    include: ['src'],
  });
  await app.run('npx --no-install tsc -p tsconfig.old.json');
  app.restore();
  await checkInit(app);
}

/**
 * Builds the application, runs the tests of the CLI and those that were added, and the program. It loads every entry that needs no
 * optional peer, and runs a saga that succeeds and a saga that is rolled back, each with branches in process and over HTTP.
 *
 * @param {GeneratedApp} app
 */
async function checkGenerated(app) {
  app.write('src/entries.ts', importEntries());
  await app.run('npm run build');
  const printed = await app.run('node dist/sagas.js');
  const lines = printed.split(/\r?\n/);
  const missing = expected.filter((line) => !lines.includes(line));
  if (missing.length > 0) throw new Error(`missing output:\n${missing.join('\n')}\nactual output:\n${printed}`);
  await app.run('node dist/entries.js');
  for (const tests of ['test -- app.controller stock', 'test:e2e']) await app.run(`npm run ${tests}`);
}

const expected = ['in-process', 'http'].flatMap((over) => [
  `saga ${over} succeeded: reserve 1`,
  `saga ${over} rolled back: reserve 2, reserve 99, release 99, release 2`,
]);

function importEntries() {
  const entries = publicEntries().filter(({ subpath, peers }) => subpath === '.' || peers.length === 0);
  return entries
    .map(({ subpath }, index) => `export * as entry${index} from '${posix.join(self, subpath)}';\n`)
    .join('');
}
