import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { errorText } from '../../protocol/internal.js';
import { defaultStyle, readStyle, type SourceStyle } from './source-style.js';
import {
  findCalls,
  findImportOf,
  loadTypeScript,
  readSource,
  type ParsedSource,
  type TypeScript,
} from './typescript.js';

/** A Nest application, as `init` sees it. */
export interface Application {
  readonly folder: string;
  /** Folder with the sources. */
  readonly sources: string;
  /** For `name` of `DtmModule`. */
  readonly name: string;
  readonly packageManager: 'npm' | 'pnpm' | 'yarn' | 'bun';
  /** Packages of package.json. */
  readonly packages: ReadonlySet<string>;
  readonly testRunner: 'jest' | 'vitest' | undefined;
  /** Ending of test files, without `.ts`. */
  readonly testSuffix: string;
  readonly typescript: TypeScript | undefined;
  /** The file with the root module, which may not exist. */
  readonly modulePath: string;
  /** Undefined when the file does not exist or cannot be parsed. */
  readonly module: ParsedSource | undefined;
  readonly style: SourceStyle;
  /** Where the application listens, with its global prefix. */
  readonly url: string;
}

interface PackageJson {
  readonly name?: string;
  readonly type?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

interface NestCli {
  readonly sourceRoot?: string;
  readonly entryFile?: string;
  readonly generateOptions?: { readonly specFileSuffix?: string };
}

/**
 * Reads the application in a folder.
 *
 * @throws Error when the folder has no Nest application
 */
export function readApplication(folder: string): Application {
  const packageJson = readJson<PackageJson>(folder, 'package.json');
  if (!packageJson) {
    throw new Error(`${folder} has no package.json; run the command in the folder of your Nest application`);
  }
  const packages = new Set(Object.keys({ ...packageJson.dependencies, ...packageJson.devDependencies }));
  if (!packages.has('@nestjs/core')) {
    throw new Error(
      `${join(folder, 'package.json')} does not depend on @nestjs/core; run the command in the folder of your Nest application`,
    );
  }
  const { sourceRoot = 'src', entryFile = 'main', generateOptions } = readJson<NestCli>(folder, 'nest-cli.json') ?? {};
  const typescript = loadTypeScript(folder);
  const sources = join(folder, sourceRoot);
  const entry = typescript && readSource(typescript, join(sources, `${entryFile}.ts`));
  const modulePath = (typescript && entry && findRootModule(typescript, entry)) ?? join(sources, 'app.module.ts');
  const module = typescript && readSource(typescript, modulePath);
  const style = defaultStyle(packageJson.type === 'module');
  return {
    folder,
    sources,
    name: toApplicationName(packageJson.name ?? ''),
    packageManager: findPackageManager(folder),
    packages,
    testRunner: packages.has('vitest') ? 'vitest' : packages.has('jest') ? 'jest' : undefined,
    testSuffix: generateOptions?.specFileSuffix ?? 'spec',
    typescript,
    modulePath,
    module,
    style: typescript && module ? readStyle(typescript, module, style) : style,
    url: typescript && entry ? findUrl(typescript, entry) : 'http://localhost:3000',
  };
}

/** @throws Error when the file is no JSON */
function readJson<T>(folder: string, name: string): T | undefined {
  const path = join(folder, name);
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch (cause) {
    throw new Error(`${path} cannot be read: ${errorText(cause)}`, { cause });
  }
}

/** The file of the module that `NestFactory` gets. */
function findRootModule(ts: TypeScript, entry: ParsedSource): string | undefined {
  const [create] = findCalls(ts, entry, (callee) => callee.startsWith('NestFactory.create'));
  const name = create?.arguments[0]?.getText(entry.file);
  const specifier = name === undefined ? undefined : findImportOf(ts, entry, name);
  if (!specifier?.startsWith('.')) return undefined;
  const path = `${resolve(dirname(entry.path), specifier.replace(/\.[jt]s$/, ''))}.ts`;
  return existsSync(path) ? path : undefined;
}

function findUrl(ts: TypeScript, entry: ParsedSource): string {
  const argumentOf = (method: string): string =>
    findCalls(ts, entry, (callee) => callee.endsWith(`.${method}`))[0]?.arguments[0]?.getText(entry.file) ?? '';
  const port = /\b(\d{2,5})\b/.exec(argumentOf('listen'))?.[1] ?? '3000';
  const prefix = /^['"`]\/?([\w/-]+?)\/?['"`]$/.exec(argumentOf('setGlobalPrefix'))?.[1];
  return `http://localhost:${port}${prefix === undefined ? '' : `/${prefix}`}`;
}

function findPackageManager(folder: string): Application['packageManager'] {
  if (existsSync(join(folder, 'pnpm-lock.yaml'))) return 'pnpm';
  if (existsSync(join(folder, 'yarn.lock'))) return 'yarn';
  return existsSync(join(folder, 'bun.lock')) ? 'bun' : 'npm';
}

/** `@acme/Bank_App` becomes `bank-app`. */
function toApplicationName(packageName: string): string {
  const name = packageName
    .slice(packageName.lastIndexOf('/') + 1)
    .toLowerCase()
    .replaceAll(/[^a-z\d.-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 63);
  return name === '' ? 'app' : name;
}
