import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../../support/temp-folder.js';
import { CliProcess } from './serve-process.js';

const root = resolve(import.meta.dirname, '../../..');

const appModule = `import { Module } from '@nestjs/common';

@Module({ imports: [] })
export class AppModule {}
`;

/** The files of an application that `init` reads. */
function createApplication(module = appModule): string {
  const folder = tempFolder();
  mkdirSync(join(folder, 'src'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(root, 'node_modules/typescript'), join(folder, 'node_modules/typescript'));
  const dependencies = { '@nestjs/core': '^12.0.0', '@nestjs/testing': '^12.0.0', vitest: '^4.0.0' };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'shop', type: 'module', dependencies }));
  writeFileSync(join(folder, 'src/app.module.ts'), module);
  return folder;
}

async function init(cwd: string, ...args: string[]) {
  const cli = new CliProcess(['init', ...args], { cwd });
  const exitCode = await cli.ended;
  expect(cli.stderr).not.toMatch(/^\s+at /m);
  return { exitCode, stdout: cli.stdout, stderr: cli.stderr };
}

const moduleOf = (folder: string): string => readFileSync(join(folder, 'src/app.module.ts'), 'utf8');

describe('nestjs-dtm init', () => {
  it('writes the example and the root module, and changes nothing when it runs again', async () => {
    const folder = createApplication();
    const first = await init(folder);
    expect([first.exitCode, first.stderr]).toEqual([0, '']);
    expect(first.stdout).toContain('  create  src/transfer/bank.controller.ts\n');
    expect(first.stdout).toContain('  npm install nestjs-dtm\n  npm run start\n  curl ');
    expect(readdirSync(join(folder, 'src/transfer')).toSorted()).toEqual([
      'accounts.ts',
      'bank.controller.ts',
      'transfer.controller.spec.ts',
      'transfer.controller.ts',
      'transfer.module.ts',
    ]);
    const changed = moduleOf(folder);
    expect(changed).toContain(`DtmModule.forRoot({ name: 'shop', server: embeddedServer() })`);

    const second = await init(folder);
    expect([second.exitCode, second.stderr]).toEqual([0, '']);
    expect(second.stdout).not.toMatch(/create|update/);
    expect(moduleOf(folder)).toBe(changed);
  });

  it('--dry-run writes nothing', async () => {
    const folder = createApplication();
    const { exitCode, stdout } = await init(folder, '--dry-run');
    expect([exitCode, moduleOf(folder), readdirSync(join(folder, 'src'))]).toEqual([0, appModule, ['app.module.ts']]);
    expect(stdout).toContain('  update  src/app.module.ts');
  });

  it('ends with 1 when something is left to do by hand', async () => {
    const module = appModule.replace('imports: []', '...shared');
    const folder = createApplication(module);
    const { exitCode, stdout } = await init(folder);
    expect([exitCode, moduleOf(folder)]).toEqual([1, module]);
    expect(stdout).toContain('Add this to src/app.module.ts, which could not be changed safely:');
  });

  it('ends with 1 in a folder without an application', async () => {
    const { exitCode, stdout, stderr } = await init(tempFolder());
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /^nestjs-dtm: .* has no package\.json; run the command in the folder of your Nest application\n$/,
    );
  });
});
