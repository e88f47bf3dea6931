import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LIBSQL_PLATFORMS, missingLibsqlError } from '../../../../lib/server/store/sqlite/load-libsql.js';

const read = (path: string): Record<string, object> => JSON.parse(readFileSync(path, 'utf8')) as Record<string, object>;

describe('the native library of libsql', () => {
  it('exists for the platforms that libsql ships', () => {
    const { optionalDependencies = {} } = read('node_modules/libsql/package.json');
    // the last part is the C library or the compiler
    const shipped = Object.keys(optionalDependencies).map((name) =>
      name.split('/')[1]!.split('-').slice(0, 2).join('-'),
    );
    expect([...new Set(shipped)].toSorted()).toEqual(LIBSQL_PLATFORMS);
  });

  it('is optional: the package can be installed where libsql cannot', () => {
    const { dependencies = {}, optionalDependencies = {} } = read('package.json');
    expect(dependencies).not.toHaveProperty('libsql');
    expect(optionalDependencies).toHaveProperty('libsql');
  });

  it('that a platform does not have is named with the alternatives', () => {
    const { code, message } = missingLibsqlError('win32-arm64', new Error('Cannot find module'));
    expect(code).toBe('DTM_CONFIG');
    expect(message).toBe(
      'sqliteStore: libsql has no native library for win32-arm64; use postgresStore, mysqlStore or memoryStore (STORE_DRIVER=postgres, mysql or memory)',
    );
  });

  it('that is not installed is named with the command and the alternatives', () => {
    const { message } = missingLibsqlError(
      'linux-x64',
      new Error(`Cannot find module '@libsql/linux-x64-gnu'\nRequire stack:`),
    );
    expect(message).toMatch(
      /cannot be loaded on linux-x64 \(Cannot find module '@libsql\/linux-x64-gnu'\); install the/,
    );
    expect(message).toMatch(/with the optional ones, or use postgresStore/);
  });
});
