import { join } from 'node:path';
import ts from 'typescript';
import { filesBelow } from './page.mjs';

/**
 * A program of the package's sources and of files that exist in memory only, with the settings of the checkout.
 *
 * @param {string} root
 * @param {ReadonlyMap<string, string>} extra - texts by path, relative to the root
 * @returns {ts.Program}
 */
export function createProgram(root, extra) {
  const { config, error } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  if (error) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'));
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root);
  const texts = new Map([...extra].map(([path, text]) => [join(root, path), text]));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  host.fileExists = (path) => texts.has(path) || fileExists(path);
  host.readFile = (path) => texts.get(path) ?? readFile(path);
  const sources = filesBelow(root, 'lib').filter((path) => path.endsWith('.ts'));
  return ts.createProgram([...sources.map((path) => join(root, path)), ...texts.keys()], options, host);
}
