import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../../tools/support/command.mjs';
import { readJson, root } from '../../tools/support/root.mjs';
import { temporaryFolder } from '../../tools/support/temporary-folder.mjs';

const { name: self } = readJson(join(root, 'package.json'));

/**
 * An application of Nest that its CLI generated.
 *
 * @typedef {object} GeneratedApp
 * @property {string} folder
 * @property {(line: string) => Promise<string>} run Runs a command in its folder; returns what it prints.
 * @property {(path: string, content: string | object) => void} write Writes a file, as text or JSON.
 * @property {() => void} restore Takes the added files and module out again.
 */

/**
 * A version of the CLI.
 *
 * @typedef {object} Cli
 * @property {string} name Names the temporary folder.
 * @property {string} nest The shell command.
 * @property {boolean} isEsm Whether it generates ES modules: relative imports then end in `.js`.
 */

/** @satisfies {Record<string, Cli>} */
const clis = {
  /** ES modules with Vitest. The CLI is that of this repository. */
  nest12: { name: 'nest12', nest: `"${join(root, 'node_modules', '.bin', 'nest')}"`, isEsm: true },
  /** CommonJS with Jest. */
  nest11: { name: 'nest11', nest: 'npx --yes --prefer-offline --package @nestjs/cli@11 -- nest', isEsm: false },
};

/** @typedef {keyof typeof clis} CliName */

/**
 * Generates an application, adds files of test/package/app to its `src`, and installs its packages and this one.
 *
 * @param {CliName} version
 * @param {string} tarball - path of the packed package
 * @param {readonly string[]} files
 * @returns {Promise<GeneratedApp>}
 */
export async function generateApp(version, tarball, files) {
  const { name, nest, isEsm } = clis[version];
  const parent = temporaryFolder(name);
  await command(`${nest} new app --skip-install --skip-git --package-manager npm`, { cwd: parent, capture: true });
  const folder = join(parent, 'app');
  for (const file of files) {
    const text = readFileSync(new URL(`app/${file}`, import.meta.url), 'utf8');
    writeFileSync(join(folder, 'src', file), isEsm ? text : text.replaceAll(/(from '\.[^']*)\.js'/g, "$1'"));
  }
  const modulePath = join(folder, 'src', 'app.module.ts');
  const generatedModule = readFileSync(modulePath, 'utf8');
  addStockModule(modulePath, isEsm);
  const install = `npm install "${self}@file:${tarball}" --prefer-offline --no-audit --no-fund --loglevel=error`;
  await command(install, { cwd: folder, capture: true });
  return {
    folder,
    run: (line) => command(line, { cwd: folder, capture: true, timeoutSeconds: 180 }),
    write: (path, content) =>
      writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content, undefined, 2)),
    restore: () => {
      writeFileSync(modulePath, generatedModule);
      for (const file of files) rmSync(join(folder, 'src', file));
    },
  };
}

/**
 * Imports StockModule in the generated AppModule, as its user would.
 *
 * @param {string} path - of app.module.ts
 * @param {boolean} isEsm
 */
function addStockModule(path, isEsm) {
  const text = readFileSync(path, 'utf8');
  const added = text
    .replace(/^@Module/m, `import { StockModule } from './stock.module${isEsm ? '.js' : ''}';\n\n@Module`)
    .replace(/imports: \[\s*\]/, 'imports: [StockModule]');
  if (!added.includes('[StockModule]')) throw new Error(`the CLI generated an unknown app.module.ts:\n${text}`);
  writeFileSync(path, added);
}
