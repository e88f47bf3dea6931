import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Resolves everything but one package, as where it is not installed; for `import` and for `require`. */
const without = (name: string): string => `
  export async function resolve(specifier, context, next) {
    if (specifier !== '${name}' && !specifier.startsWith('${name}/')) return next(specifier, context);
    throw Object.assign(new Error('Cannot find package ' + specifier), { code: 'ERR_MODULE_NOT_FOUND' });
  }`;

/**
 * Runs a module in a process without a package.
 *
 * @param name - of the package
 * @param code - the module; it uses what was built
 * @returns what it prints
 */
export async function printedWithout(name: string, code: string): Promise<string> {
  const module = `
    import Module, { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(without(name))}));
    const resolve = Module._resolveFilename;
    Module._resolveFilename = function (request, ...rest) {
      if (request !== '${name}') return resolve.call(this, request, ...rest);
      throw Object.assign(new Error('Cannot find module ' + request), { code: 'MODULE_NOT_FOUND' });
    };
    ${code}`;
  // where the package can name itself
  const cwd = fileURLToPath(new URL('.', import.meta.url));
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', module], { cwd });
  return stdout.trim();
}
