import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { command } from '../../tools/support/command.mjs';
import { readJson, root } from '../../tools/support/root.mjs';
import { temporaryFolder } from '../../tools/support/temporary-folder.mjs';

const { name: self, devDependencies } = readJson(join(root, 'package.json'));

const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

const compilerOptions = {
  target: 'ES2023',
  module: 'nodenext',
  types: ['node'],
  strict: true,
  skipLibCheck: false,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  rootDir: 'src',
  outDir: 'dist',
};

const basePackages = [
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/platform-express',
  'reflect-metadata',
  'rxjs',
  '@types/node',
];

/**
 * Creates a small Nest application of ES modules with the package, compiles its sources and runs it.
 *
 * @param {object} options
 * @param {string} options.tarball - path of the packed package
 * @param {Record<string, string>} [options.packages] - further packages with version ranges
 * @param {Record<string, string>} options.sources - texts of the files in src; main.ts is the program
 * @returns {Promise<string>} the output
 * @throws Error with the output of the first command that failed
 */
export async function runTempApp({ tarball, packages, sources }) {
  const folder = temporaryFolder('app');
  /**
   * @param {string} path
   * @param {string | object} content
   */
  const write = (path, content) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content, undefined, 2));
  };

  const base = Object.fromEntries(basePackages.map((name) => [name, devDependencies[name]]));
  write('package.json', {
    name: 'app',
    private: true,
    type: 'module',
    dependencies: { ...base, ...packages, [self]: `file:${tarball}` },
  });
  write('tsconfig.json', { compilerOptions, include: ['src'] });
  for (const [file, text] of Object.entries(sources)) write(`src/${file}`, text);
  await command('npm install --prefer-offline --no-audit --no-fund --loglevel=error', { cwd: folder, capture: true });
  await command([process.execPath, compiler, '-p', '.'], { cwd: folder, capture: true });
  return command([process.execPath, join('dist', 'main.js')], { cwd: folder, capture: true, timeoutSeconds: 60 });
}
