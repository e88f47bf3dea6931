import ts from 'typescript';
import { listFiles } from '../support/list-files.mjs';

/**
 * Creates a compiler program from the sources of the package and the given modules, with the settings of `tsconfig.json`.
 *
 * @param {string} root
 * @param {ReadonlyMap<string, string>} modules - texts by path, relative to the root
 * @returns {ts.Program}
 */
export function createDocsProgram(root, modules) {
  const { config, error } = ts.readConfigFile(`${root}/tsconfig.json`, ts.sys.readFile);
  if (error) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'));
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root);
  const texts = new Map([...modules].map(([path, text]) => [`${root}/${path}`, text]));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  host.fileExists = (path) => texts.has(path) || fileExists(path);
  host.readFile = (path) => texts.get(path) ?? readFile(path);
  const sources = listFiles(root, 'lib').filter((path) => path.endsWith('.ts'));
  return ts.createProgram([...sources.map((path) => `${root}/${path}`), ...texts.keys()], options, host);
}
