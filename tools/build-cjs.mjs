import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { listFiles } from './support/list-files.mjs';
import { root } from './support/root.mjs';

// Writes dist/cjs: the built package once more, as CommonJS, for loaders that cannot require ES modules, such as Jest.
// `import()` becomes `require()` there, because Jest refuses a real `import()`: packages that lib loads on demand must
// not be ESM only. test/package checks that.

const source = join(root, 'dist');
const target = join(source, 'cjs');

const isBuilt = (/** @type {string} */ file) => !file.startsWith('cjs/') && !file.startsWith('cli/');

rmSync(target, { recursive: true, force: true });
for (const file of listFiles(source, '.').filter(isBuilt)) {
  const path = join(target, file);
  mkdirSync(dirname(path), { recursive: true });
  // the declarations hold the docstrings, and have no word that differs
  if (file.endsWith('.d.ts')) copyFileSync(join(source, file), path);
  else if (file.endsWith('.js')) writeFileSync(path, asCommonJs(file, readFileSync(join(source, file), 'utf8')));
}
writeFileSync(join(target, 'package.json'), `${JSON.stringify({ type: 'commonjs', sideEffects: false })}\n`);

/**
 * @param {string} fileName
 * @param {string} text - of an ES module
 */
function asCommonJs(fileName, text) {
  const { outputText } = ts.transpileModule(text, {
    fileName,
    compilerOptions: {
      module: ts.ModuleKind.CommonJS,
      target: ts.ScriptTarget.ES2023,
      esModuleInterop: true,
      removeComments: true,
    },
    transformers: { before: [replaceImportMeta] },
  });
  return outputText;
}

/** @type {ts.TransformerFactory<ts.SourceFile>} */
function replaceImportMeta(context) {
  const { factory } = context;
  /** @type {ts.Visitor} */
  const visit = (node) => {
    if (!ts.isPropertyAccessExpression(node) || !ts.isMetaProperty(node.expression)) {
      return ts.visitEachChild(node, visit, context);
    }
    if (node.name.text !== 'filename') throw new Error(`import.meta.${node.name.text} has no counterpart in CommonJS`);
    return factory.createIdentifier('__filename');
  };
  return (file) => ts.visitEachChild(file, visit, context);
}
