import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A module loader that cannot find one package. */
const loaderWithout = (name: string): string => `
  export async function resolve(specifier, context, next) {
    if (specifier !== '${name}' && !specifier.startsWith('${name}/')) return next(specifier, context);
    throw Object.assign(new Error('Cannot find package ' + specifier), { code: 'ERR_MODULE_NOT_FOUND' });
  }`;

/**
 * Runs a module in a process that cannot find a package, neither by `import` nor by `require`.
 *
 * @param name - name of the package
 * @param code - code of the module, which uses the built package
 * @returns its output
 */
export async function runWithoutPackage(name: string, code: string): Promise<string> {
  const module = `
    import Module, { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(loaderWithout(name))}));
    const resolve = Module._resolveFilename;
    Module._resolveFilename = function (request, ...rest) {
      if (request !== '${name}') return resolve.call(this, request, ...rest);
      throw Object.assign(new Error('Cannot find module ' + request), { code: 'MODULE_NOT_FOUND' });
    };
    ${code}`;
  // inside the package, so that it can import itself by name
  const cwd = fileURLToPath(new URL('.', import.meta.url));
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', module], { cwd });
  return stdout.trim();
}
