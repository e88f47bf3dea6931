import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);

/** Resolves everything but one package, as where it is not installed. */
const without = (name: string): string => `
  export async function resolve(specifier, context, next) {
    if (specifier !== '${name}' && !specifier.startsWith('${name}/')) return next(specifier, context);
    throw Object.assign(new Error('Cannot find package ' + specifier), { code: 'ERR_MODULE_NOT_FOUND' });
  }`;

/** Runs a module in a process without a package; what it prints. */
async function printed(name: string, code: string): Promise<string> {
  const module = `
    import { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(without(name))}));
    ${code}`;
  // where the package can name itself
  const cwd = fileURLToPath(new URL('.', import.meta.url));
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', module], { cwd });
  return stdout.trim();
}

describe('a driver that is not installed', () => {
  it.each([
    ['pg', 'postgres', 'postgresStore'],
    ['mysql2', 'mysql', 'mysqlStore'],
  ])('%s is named by open(), with the command that installs it', async (name, entry, factory) => {
    const code = `
      const { ${factory} } = await import('nestjs-dtm/store/${entry}');
      await ${factory}().open().catch((error) => console.log(error.code + ' ' + error.message));`;
    expect(await printed(name, code)).toBe(`DTM_CONFIG ${factory} needs the package ${name}; run: npm install ${name}`);
  });

  it.each([
    ['pg', 'postgres', 'postgresStore', '{ connect: async () => { throw new Error("no server") } }'],
    ['mysql2', 'mysql', 'mysqlStore', '{ getConnection: async () => { throw new Error("no server") } }'],
  ])('%s is not needed where a pool is given', async (name, entry, factory, pool) => {
    const code = `
      const { ${factory} } = await import('nestjs-dtm/store/${entry}');
      await ${factory}({ pool: ${pool} }).open().catch((error) => console.log(error.code + ' ' + error.message));`;
    expect(await printed(name, code)).toMatch(/^DTM_STORE .* cannot be reached \(no server\)/);
  });
});
