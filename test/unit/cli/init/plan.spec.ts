import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readApplication } from '../../../../lib/cli/init/application.js';
import { planInit, type Plan } from '../../../../lib/cli/init/plan.js';
import { summaryOf } from '../../../../lib/cli/init/summary.js';
import { tempFolder } from '../../../support/temp-folder.js';

const root = resolve(import.meta.dirname, '../../../..');

const nest = { '@nestjs/core': '^12.0.0', '@nestjs/testing': '^12.0.0', vitest: '^4.0.0' };

const main = `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule);
await app.listen(process.env.PORT ?? 3000);
`;

const appModule = `import { Module } from '@nestjs/common';

@Module({
  imports: [],
})
export class AppModule {}
`;

interface Files {
  readonly [path: string]: string | object;
}

function createFiles(files: Files, { withTypeScript = true } = {}): string {
  const folder = tempFolder();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content));
  }
  if (withTypeScript) {
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(join(root, 'node_modules/typescript'), join(folder, 'node_modules/typescript'));
  }
  return folder;
}

const application: Files = {
  'package.json': { name: '@acme/Bank_App', type: 'module', devDependencies: nest },
  'src/main.ts': main,
  'src/app.module.ts': appModule,
};

function planOf(folder: string): Plan {
  return planInit(readApplication(folder));
}

function apply(folder: string, { changes }: Plan): void {
  for (const { path, text } of changes) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

const pathsOf = ({ changes }: Plan): string[] => changes.map(({ kind, path }) => `${kind} ${path}`);
const textOf = ({ changes }: Plan, path: string): string => changes.find((change) => change.path === path)?.text ?? '';

describe('planInit', () => {
  it('adds an example to an application, and a second time nothing', () => {
    const folder = createFiles({ ...application, '.gitignore': 'dist' });
    const plan = planOf(folder);
    expect(pathsOf(plan)).toEqual([
      'create src/transfer/accounts.ts',
      'create src/transfer/bank.controller.ts',
      'create src/transfer/transfer.controller.ts',
      'create src/transfer/transfer.module.ts',
      'create src/transfer/transfer.controller.spec.ts',
      'update .gitignore',
      'update src/app.module.ts',
    ]);
    expect(textOf(plan, 'src/app.module.ts')).toBe(`import { Module } from '@nestjs/common';
import { DtmModule } from 'nestjs-dtm';
import { embeddedServer } from 'nestjs-dtm/server';
import { TransferModule } from './transfer/transfer.module.js';

@Module({
  imports: [
    DtmModule.forRoot({ name: 'bank-app', server: embeddedServer() }),
    TransferModule,
  ],
})
export class AppModule {}
`);
    expect(textOf(plan, '.gitignore')).toMatch(/^dist\n\n# .*\n\.dtm\/\n$/);

    apply(folder, plan);
    expect(planOf(folder)).toEqual({
      changes: [],
      unchanged: ['src/transfer/', '.gitignore', 'src/app.module.ts'],
      byHand: [],
      notes: [],
    });
  });

  it('finds the root module from the entry file of nest-cli.json', () => {
    const folder = createFiles({
      'package.json': { dependencies: nest },
      'nest-cli.json': { sourceRoot: 'apps/shop/src', entryFile: 'start' },
      'apps/shop/src/start.ts': `import { NestFactory } from '@nestjs/core';\nimport { ShopModule } from './shop/shop.module';\nvoid NestFactory.create<App>(ShopModule, adapter);\n`,
      'apps/shop/src/shop/shop.module.ts': appModule,
    });
    const plan = planOf(folder);
    expect(pathsOf(plan)).toContain('update apps/shop/src/shop/shop.module.ts');
    expect(pathsOf(plan)).toContain('create apps/shop/src/shop/transfer/transfer.module.ts');
    expect(textOf(plan, 'apps/shop/src/shop/transfer/transfer.module.ts')).toContain(`from './accounts';`);
  });

  it('writes files in the style of the root module', () => {
    const module = `import { Module } from "@nestjs/common"\r\nimport { A } from "./a"\r\n\r\n@Module({\r\n\timports: [A],\r\n})\r\nexport class AppModule {}\r\n`;
    const folder = createFiles({ ...application, 'src/app.module.ts': module });
    const text = textOf(planOf(folder), 'src/transfer/transfer.module.ts');
    expect(text).toMatch(/^import { Module } from "@nestjs\/common"\r\nimport { Accounts } from "\.\/accounts"\r\n/);
    expect(text).toContain('\r\n\tcontrollers: [');
    expect(text).not.toMatch(/;|[^\r]\n/);
  });

  it.each([
    ['Vitest', nest, /import \{ afterEach, .* \} from 'vitest';/],
    [
      'Jest with its globals',
      { ...nest, vitest: undefined, jest: '30', '@types/jest': '30' },
      /^((?!afterEach, before)[^])*$/,
    ],
    [
      'Jest without types of the globals',
      { ...nest, vitest: undefined, jest: '30', '@jest/globals': '30' },
      /from '@jest\/globals';/,
    ],
  ])('writes a test for %s', (_name, devDependencies, expected) => {
    const folder = createFiles({ ...application, 'package.json': { devDependencies } });
    expect(textOf(planOf(folder), 'src/transfer/transfer.controller.spec.ts')).toMatch(expected);
  });

  it('adds no test without a test runner', () => {
    const folder = createFiles({ ...application, 'package.json': { dependencies: { '@nestjs/core': '12' } } });
    const plan = planOf(folder);
    expect(pathsOf(plan).filter((path) => path.includes('spec'))).toEqual([]);
    expect([plan.byHand, plan.notes.length]).toEqual([[], 1]);
  });

  it.each([
    ['cannot be parsed', { ...application, 'src/app.module.ts': 'import {' }, {}],
    ['has another form', { ...application, 'src/app.module.ts': `${appModule.replace('[]', 'list')}` }, {}],
    ['cannot be read without TypeScript', application, { withTypeScript: false }],
  ])('tells what to add by hand when the root module %s', (_why, files, options) => {
    const { changes, byHand } = planOf(createFiles(files, options));
    expect(changes.map(({ path }) => path)).not.toContain('src/app.module.ts');
    expect(changes.map(({ path }) => path)).toContain('src/transfer/transfer.module.ts');
    expect(byHand.join()).toMatch(
      /Add this to src\/app\.module\.ts[^]*import { TransferModule } from '\.\/transfer\/transfer\.module\.js';[^]*DtmModule\.forRoot/,
    );
  });

  it('leaves a DtmModule of the application alone, wherever it is', () => {
    const registered = `import { DtmModule } from 'nestjs-dtm';\nDtmModule.forRootAsync({});\n`;
    const folder = createFiles({ ...application, 'src/infra/infra.module.ts': registered });
    const text = textOf(planOf(folder), 'src/app.module.ts');
    expect(text).toContain('TransferModule');
    expect(text).not.toContain('DtmModule');
  });

  it.each([
    ['app.useGlobalGuards(new AuthGuard());', 1],
    ['app.useGlobalGuards(new AuthGuard(isDtmBranch));', 0],
    ['app.enableCors();', 0],
  ])('tells of a global guard that does not know branches: %s', (line, count) => {
    const folder = createFiles({ ...application, 'src/main.ts': `${main}${line}\n` });
    const { notes } = planOf(folder);
    expect(notes).toEqual(
      Array.from({ length: count }, () => expect.stringContaining('src/main.ts has a global guard')),
    );
  });

  it('stops at a folder that is not its own, before any change', () => {
    const folder = createFiles({ ...application, 'src/transfer/transfer.service.ts': 'export const a = 1;' });
    expect(() => planOf(folder)).toThrow('src/transfer exists already and does not use nestjs-dtm');
  });

  it.each<[Files, RegExp]>([
    [{}, /has no package\.json; run the command in the folder of your Nest application/],
    [{ 'package.json': {} }, /does not depend on @nestjs\/core/],
    [{ 'package.json': '{' }, /package\.json cannot be read: /],
  ])('refuses a folder without an application: %j', (files, message) => {
    expect(() => planOf(createFiles(files))).toThrow(message);
  });
});

describe('summaryOf', () => {
  const summary = (files: Files, isDryRun = false): string => {
    const app = readApplication(createFiles({ ...application, ...files }));
    return summaryOf(app, planInit(app), isDryRun);
  };

  it('lists the files and the next commands', () => {
    expect(summary({})).toMatch(
      /^ {2}create {2}src\/transfer\/accounts\.ts\n[^]*\n {2}update {2}src\/app\.module\.ts\n\nNext:\n\n/,
    );
    expect(summary({})).toContain(`
  npm install nestjs-dtm
  npm run start
  curl -X POST http://localhost:3000/transfers -H 'content-type: application/json' -d '{"from":"alice","to":"bob","amount":30}'
  npm test -- transfer`);
  });

  it('takes port, prefix and package manager from the application', () => {
    const custom = main
      .replace('3000', '8080')
      .replace('await app.listen', `app.setGlobalPrefix('/api/v1');\nawait app.listen`);
    const text = summary({ 'src/main.ts': custom, 'pnpm-lock.yaml': '' });
    expect(text).toContain(
      '\n  pnpm add nestjs-dtm\n  pnpm start\n  curl -X POST http://localhost:8080/api/v1/transfers ',
    );
    expect(text).toContain('\n  pnpm test transfer');
  });

  it('says that a dry run writes nothing', () => {
    expect(summary({}, true)).toMatch(/^Nothing is written with --dry-run\.\n {2}create/);
  });
});

it('writes nothing while it plans', () => {
  const folder = createFiles(application);
  planOf(folder);
  expect(readFileSync(join(folder, 'src/app.module.ts'), 'utf8')).toBe(appModule);
});
