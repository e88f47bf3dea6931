import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runWithoutPackage } from '../../support/run-without-package.js';

describe('a driver that is not installed', () => {
  it.each([
    ['pg', 'postgres', 'postgresStore'],
    ['mysql2', 'mysql', 'mysqlStore'],
  ])('%s: open() names the package and the install command', async (name, entry, factory) => {
    const code = `
      const { ${factory} } = await import('nestjs-dtm/server/store/${entry}');
      await ${factory}().open().catch((error) => console.log(error.code + ' ' + error.message));`;
    expect(await runWithoutPackage(name, code)).toBe(
      `DTM_CONFIG ${factory} needs the package ${name}; run: npm install ${name}`,
    );
  });

  it.each([
    ['pg', 'postgres', 'postgresStore', '{ connect: async () => { throw new Error("no server") } }'],
    ['mysql2', 'mysql', 'mysqlStore', '{ getConnection: async () => { throw new Error("no server") } }'],
  ])('%s: a given pool needs no package', async (name, entry, factory, pool) => {
    const code = `
      const { ${factory} } = await import('nestjs-dtm/server/store/${entry}');
      await ${factory}({ pool: ${pool} }).open().catch((error) => console.log(error.code + ' ' + error.message));`;
    expect(await runWithoutPackage(name, code)).toMatch(/^DTM_STORE .* cannot be reached \(no server\)/);
  });
});

describe('the native library of SQLite, when it is not installed', () => {
  const [native = ''] = readdirSync('node_modules/@libsql').filter((name) => name.startsWith(process.platform));
  const without = (code: string): Promise<string> => runWithoutPackage(`@libsql/${native}`, code);

  it('open() names the platform and the alternatives', async () => {
    const answer = await without(`
      const { sqliteStore } = await import('nestjs-dtm/server');
      await sqliteStore({ path: 'never.db' }).open().catch((error) => console.log(error.code + ' ' + error.message));`);
    expect(answer).toMatch(
      new RegExp(`^DTM_CONFIG sqliteStore: .*cannot be loaded on ${process.platform}-${process.arch} .*postgresStore`),
    );
  });

  it('other stores and the command line do not need it', async () => {
    const answer = await without(`
      const { memoryStore } = await import('nestjs-dtm/server');
      await memoryStore().open();
      process.argv.push('nestjs-dtm', '--version');
      await import(new URL('../../dist/cli/main.js', 'file://' + process.cwd() + '/').href);`);
    expect(answer).toMatch(/^v?\d+\.\d+\.\d+/);
  });
});
