import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { command } from '../../tools/support/command.mjs';
import { readJson, root } from '../../tools/support/root.mjs';
import { temporaryFolder } from '../../tools/support/temporary-folder.mjs';

const { name: self, devDependencies } = readJson(join(root, 'package.json'));

/**
 * A kind of application: its packages, its compiler and the settings, as `nest new` creates them.
 *
 * @typedef {object} Flavour
 * @property {'module' | 'commonjs'} type
 * @property {Record<string, string>} packages
 * @property {string} compiler Path of tsc; relative to the app.
 * @property {Record<string, unknown>} compilerOptions
 */

/** @typedef {keyof typeof flavours} FlavourName */

const common = {
  target: 'ES2023',
  types: ['node'],
  strict: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  rootDir: 'src',
  outDir: 'dist',
};

const flavours = {
  /** ESM on Nest 12 with the TypeScript of this repository; also checks library declarations. */
  nest12: /** @satisfies {Flavour} */ ({
    type: 'module',
    packages: ownVersions(
      '@nestjs/common',
      '@nestjs/core',
      '@nestjs/platform-express',
      'reflect-metadata',
      'rxjs',
      '@types/node',
    ),
    compiler: join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
    compilerOptions: { ...common, module: 'nodenext', skipLibCheck: false },
  }),
  /** CommonJS on Nest 11 and TypeScript 5.9 with the old module resolution, which ignores `exports`. */
  nest11: /** @satisfies {Flavour} */ ({
    type: 'commonjs',
    packages: {
      ...ownVersions('reflect-metadata', 'rxjs', '@types/node'),
      '@nestjs/common': '^11.0.0',
      '@nestjs/core': '^11.0.0',
      '@nestjs/platform-express': '^11.0.0',
      typescript: '~5.9.0',
    },
    compiler: join('node_modules', 'typescript', 'bin', 'tsc'),
    compilerOptions: { ...common, module: 'commonjs', moduleResolution: 'node10', skipLibCheck: true },
  }),
};

/**
 * Creates a Nest application with the package, compiles its sources and runs it.
 *
 * @param {object} options
 * @param {FlavourName} options.flavour
 * @param {string} options.tarball - path of the packed package
 * @param {Record<string, string>} [options.packages] - further packages with version ranges
 * @param {Record<string, string>} options.sources - texts of the files in src; main.ts is the program
 * @returns {Promise<string>} the output
 * @throws Error with the output of the first command that failed
 */
export async function runTempApp({ flavour, tarball, packages, sources }) {
  /** @type {Flavour} */
  const { type, packages: base, compiler, compilerOptions } = flavours[flavour];
  const folder = temporaryFolder(flavour);
  /**
   * @param {string} path
   * @param {string | object} content
   */
  const write = (path, content) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content, undefined, 2));
  };

  write('package.json', {
    name: 'app',
    private: true,
    type,
    dependencies: { ...base, ...packages, [self]: `file:${tarball}` },
  });
  write('tsconfig.json', { compilerOptions, include: ['src'] });
  for (const [file, text] of Object.entries(sources)) write(`src/${file}`, text);
  await command('npm install --prefer-offline --no-audit --no-fund --loglevel=error', { cwd: folder, capture: true });
  await command([process.execPath, compiler, '-p', '.'], { cwd: folder, capture: true });
  return command([process.execPath, join('dist', 'main.js')], { cwd: folder, capture: true, timeoutSeconds: 60 });
}

/**
 * Version ranges of packages in this repository.
 *
 * @param {...string} names
 * @returns {Record<string, string>}
 */
function ownVersions(...names) {
  return Object.fromEntries(names.map((name) => [name, devDependencies[name]]));
}
