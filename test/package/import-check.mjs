import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { command } from '../../tools/support/command.mjs';
import { readJson, root } from '../../tools/support/root.mjs';
import { publicEntries } from './entries.mjs';

const { dependencies, optionalDependencies, peerDependencies } = readJson(join(root, 'package.json'));

/** A required peer; its code is loaded at the first gRPC call. */
const loadedLater = '@grpc/grpc-js';

/** A dependency that has types only, so that every installation has the same. */
const typesOnly = '@standard-schema/spec';

/** Optional packages that code may load with `import()` on demand. Declarations must not name them. */
const loadedOnDemand = ['etcd3', 'libsql'];

/** Peers of subpaths whose names differ from their peers. */
const clients = new Map([
  ['./server/store/postgres', 'pg'],
  ['./server/store/mysql', 'mysql2'],
]);

/**
 * Checks that no entry needs a package that its users may lack. Follows the relative imports of declarations and code.
 * Both may import the peers of the entry. Code may also import dependencies; declarations must not depend on them, unless they
 * have types only.
 *
 * @throws Error with the files and their imports
 */
export function checkImports() {
  const faults = publicEntries().flatMap(({ subpath, types, code, cjs, peers }) =>
    [
      ...[types, cjs.types].flatMap((file) => foreignImports(file, [...peers, loadedLater, typesOnly])),
      ...[code, cjs.code].flatMap((file) => foreignImports(file, codePackages(subpath, peers))),
    ].map((fault) => `${subpath}: ${fault}`),
  );
  if (faults.length > 0) throw new Error(faults.join('\n'));
}

/**
 * Checks what loaders need that cannot load ES modules, such as Jest: the CommonJS build has no syntax of ES modules, and
 * requires no package that is ESM only. Nest decides that for its own packages.
 *
 * @throws Error with the files, or with the packages
 */
export async function checkCommonJs() {
  const folder = join(root, 'dist', 'cjs');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'));
  const modern = files.filter((file) =>
    /^(?:import|export)\b|\bimport\.meta\b|\bimport\(/m.test(readFileSync(join(folder, file), 'utf8')),
  );
  if (modern.length > 0) throw new Error(`syntax of ES modules in dist/cjs:\n${modern.join('\n')}`);
  const packages = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  const loads = packages.filter((name) => !name.startsWith('@nestjs/')).map((name) => `require('${name}')`);
  const program = [process.execPath, '--no-experimental-require-module', '--eval', loads.join(';')];
  await command(/** @type {[string]} */ (program), { capture: true });
}

/**
 * @param {string} subpath
 * @param {readonly string[]} peers
 * @returns {string[]}
 */
function codePackages(subpath, peers) {
  return [...peers, ...Object.keys(dependencies), loadedLater, clients.get(subpath) ?? ''];
}

/**
 * @param {string} entry - relative to the package
 * @param {readonly string[]} allowed - names of packages
 * @returns {string[]}
 */
function foreignImports(entry, allowed) {
  /** @type {string[]} */
  const faults = [];
  const files = new Set([join(root, entry)]);
  for (const file of files) {
    if (!existsSync(file)) {
      faults.push(`${relative(root, file)} does not exist`);
      continue;
    }
    const text = readFileSync(file, 'utf8').replaceAll(/^\s*\*.*$/gm, '');
    for (const specifier of importsOf(text)) {
      if (specifier.startsWith('.')) files.add(target(file, specifier));
      else if (loadedOnDemand.includes(specifier) && file.endsWith('.js') && !isStatic(text, specifier)) continue;
      else if (!specifier.startsWith('node:') && !allowed.includes(packageOf(specifier))) {
        faults.push(`${relative(root, file)} imports ${specifier}`);
      }
    }
  }
  return faults;
}

/**
 * Lists the specifiers in `from '…'`, `import '…'`, `import('…')`, `require('…')` and `/// <reference types="…" />`.
 *
 * @param {string} text - text of a file without comments
 */
function importsOf(text) {
  const imports = text.matchAll(/(?<!\.)\b(?:from|import|require)\s*\(?\s*(['"])([^'"\n]+)\1/g);
  const references = text.matchAll(/^\/\/\/\s*<reference\s+types=(['"])([^'"]+)\1/gm);
  return [...imports, ...references].map((match) => String(match[2]));
}

/**
 * @param {string} text
 * @param {string} specifier
 */
function isStatic(text, specifier) {
  return new RegExp(`\\b(?:from|import)\\s*['"]${specifier}['"]|^const .*\\brequire\\(['"]${specifier}['"]`, 'm').test(
    text,
  );
}

/**
 * @param {string} file
 * @param {string} specifier
 */
function target(file, specifier) {
  const path = join(dirname(file), specifier);
  return file.endsWith('.d.ts') ? path.replace(/\.js$/, '.d.ts') : path;
}

/** @param {string} specifier */
function packageOf(specifier) {
  const [scopeOrName = '', name] = specifier.split('/');
  return scopeOrName.startsWith('@') ? `${scopeOrName}/${name}` : scopeOrName;
}
