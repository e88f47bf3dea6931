import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Application } from './application.js';
import { addModuleImports, listModuleImports, type ModuleImport } from './edit-module.js';
import { applyStyle } from './source-style.js';
import { accountsFile, branchesFile, initiatorFile, moduleFile, testFile } from './templates.js';

/** A file that `init` writes. */
export interface FileChange {
  /** Relative to the application, with slashes. */
  readonly path: string;
  readonly kind: 'create' | 'update';
  readonly text: string;
}

/** What `init` does to an application. */
export interface Plan {
  readonly changes: readonly FileChange[];
  /** What is there already. */
  readonly unchanged: readonly string[];
  /** What the user has to do, because a file is not written as expected. */
  readonly byHand: readonly string[];
  /** What the user should know. */
  readonly notes: readonly string[];
}

/**
 * Finds out what an application lacks: the module, and an example with branches, an initiator and a test.
 *
 * @throws Error when a folder of the application is in the way
 */
export function planInit(application: Application): Plan {
  const example = planExample(application);
  const module = planModule(application);
  const ignored = planGitIgnore(application);
  // the root module last: it imports what is written before
  const plans = [example, ignored, module, planGuards(application)];
  return {
    changes: plans.flatMap(({ changes = [] }) => changes),
    unchanged: plans.flatMap(({ unchanged = [] }) => unchanged),
    byHand: plans.flatMap(({ byHand = [] }) => byHand),
    notes: plans.flatMap(({ notes = [] }) => notes),
  };
}

/** The imports of the root module and what they need, as code. */
function wantedImports({ name, style: { quote, extension } }: Application): readonly [ModuleImport, ModuleImport] {
  return [
    {
      code: `DtmModule.forRoot({ name: ${quote}${name}${quote}, server: embeddedServer() })`,
      from: [
        { name: 'DtmModule', specifier: 'nestjs-dtm' },
        { name: 'embeddedServer', specifier: 'nestjs-dtm/server' },
      ],
    },
    { code: 'TransferModule', from: [{ name: 'TransferModule', specifier: `./transfer/transfer.module${extension}` }] },
  ];
}

function planExample(application: Application): Partial<Plan> {
  const { style, testRunner, testSuffix, packages } = application;
  const folder = join(dirname(application.modulePath), 'transfer');
  const place = pathIn(application, folder);
  const present = listSources(folder);
  if (present.length > 0) {
    if (present.some((path) => mentions(path, 'nestjs-dtm'))) return { unchanged: [`${place}/`] };
    throw new Error(`${place} exists already and does not use nestjs-dtm; rename the folder and run the command again`);
  }
  const hasTest = testRunner !== undefined && packages.has('@nestjs/testing');
  const options = { extension: style.extension, testImport: testImportOf(application) };
  const files: readonly (readonly [string, string])[] = [
    ['accounts.ts', accountsFile()],
    ['bank.controller.ts', branchesFile(options)],
    ['transfer.controller.ts', initiatorFile(options)],
    ['transfer.module.ts', moduleFile(options)],
    ...(hasTest ? [[`transfer.controller.${testSuffix}.ts`, testFile(options)] as const] : []),
  ];
  return {
    changes: files.map(([name, code]) => ({ path: `${place}/${name}`, kind: 'create', text: applyStyle(code, style) })),
    notes: hasTest
      ? []
      : ['No test was added, because package.json has no @nestjs/testing, or neither Jest nor Vitest.'],
  };
}

function planModule(application: Application): Partial<Plan> {
  const { typescript, module, modulePath, style } = application;
  const path = pathIn(application, modulePath);
  const [dtm, transfer] = wantedImports(application);
  const present = typescript && module ? listModuleImports(typescript, module) : undefined;
  if (!typescript || !module || !present) return { byHand: [byHandText(path, [dtm, transfer])] };
  const isRegistered =
    present.some((element) => element.startsWith('DtmModule.')) || isRegisteredElsewhere(application);
  const wanted = [...(isRegistered ? [] : [dtm]), ...(present.includes('TransferModule') ? [] : [transfer])];
  if (wanted.length === 0) return { unchanged: [path] };
  const text = addModuleImports(typescript, module, wanted, style);
  return text === undefined ? { byHand: [byHandText(path, wanted)] } : { changes: [{ path, kind: 'update', text }] };
}

/** The embedded coordinator stores transactions in `.dtm`. */
function planGitIgnore({ folder }: Application): Partial<Plan> {
  const path = join(folder, '.gitignore');
  if (!existsSync(path)) return {};
  const text = readFileSync(path, 'utf8');
  if (/^\/?\.dtm\/?\r?$/m.test(text)) return { unchanged: ['.gitignore'] };
  const lineBreak = text.includes('\r\n') ? '\r\n' : '\n';
  const gap = text === '' || text.endsWith('\n') ? '' : lineBreak;
  const added = ['', '# transactions of the embedded coordinator of nestjs-dtm', '.dtm/', ''].join(lineBreak);
  return { changes: [{ path: '.gitignore', kind: 'update', text: `${text}${gap}${added}` }] };
}

/** A global guard also runs for branches, and would refuse the coordinator. */
function planGuards(application: Application): Partial<Plan> {
  const guarded = listSources(application.sources).find(
    (path) => mentions(path, 'APP_GUARD') || mentions(path, 'useGlobalGuards'),
  );
  if (guarded === undefined || mentionsGuardOption(application)) return {};
  return {
    notes: [
      `${pathIn(application, guarded)} has a global guard. It also runs for the example, and for the calls of the coordinator: let them pass by\n` +
        'isDtmBranch(context), branchHeaders or routeDecorators, see docs/in-nest.md of nestjs-dtm.',
    ],
  };
}

function mentionsGuardOption({ sources }: Application): boolean {
  const remedies = ['isDtmBranch', 'branchHeaders', 'routeDecorators'];
  return listSources(sources).some((path) => remedies.some((remedy) => mentions(path, remedy)));
}

function byHandText(path: string, wanted: readonly ModuleImport[]): string {
  const declarations = wanted.flatMap(({ from }) => from);
  return [
    `Add this to ${path}, which could not be changed safely:`,
    '',
    ...declarations.map(({ name, specifier }) => `  import { ${name} } from '${specifier}';`),
    '',
    '  @Module({',
    `    imports: [${wanted.map(({ code }) => code).join(', ')}],`,
    '  })',
  ].join('\n');
}

function testImportOf({ testRunner, packages }: Application): string {
  if (testRunner === 'vitest') return "import { afterEach, beforeEach, describe, expect, it } from 'vitest';\n";
  // the globals of Jest have no types without the package
  if (packages.has('@types/jest')) return '';
  return packages.has('@jest/globals')
    ? "import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';\n"
    : '';
}

/** An application may have put `DtmModule` into a module of its own. */
function isRegisteredElsewhere({ modulePath, sources }: Application): boolean {
  return listSources(sources).some((path) => path !== modulePath && mentions(path, 'DtmModule.forRoot'));
}

/** TypeScript of a folder, without tests. */
function listSources(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !/[.-](?:spec|test)\.ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

function mentions(path: string, text: string): boolean {
  return readFileSync(path, 'utf8').includes(text);
}

function pathIn({ folder }: Application, path: string): string {
  return relative(folder, path).replaceAll('\\', '/');
}
