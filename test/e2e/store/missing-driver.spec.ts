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
