import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type ts from 'typescript';

/** The compiler of the application. It parses the files that `init` changes. */
export type TypeScript = typeof ts;

/** A file of the application without syntax errors. */
export interface ParsedSource {
  readonly path: string;
  readonly text: string;
  readonly file: ts.SourceFile;
}

/**
 * Loads TypeScript from the packages of the application.
 *
 * @returns undefined when the application has none, or one without an API for JavaScript
 */
export function loadTypeScript(folder: string): TypeScript | undefined {
  try {
    const loaded = createRequire(join(folder, 'package.json'))('typescript') as Partial<TypeScript>;
    return typeof loaded.createSourceFile === 'function' ? (loaded as TypeScript) : undefined;
  } catch {
    return undefined;
  }
}

/** Reads a file. @returns undefined when the file does not exist, or has syntax errors */
export function readSource(ts: TypeScript, path: string): ParsedSource | undefined {
  return existsSync(path) ? parseSource(ts, path, readFileSync(path, 'utf8')) : undefined;
}

/** Parses the text of a file. @returns undefined when the text has syntax errors */
export function parseSource(ts: TypeScript, path: string, text: string): ParsedSource | undefined {
  const { diagnostics = [] } = ts.transpileModule(text, {
    reportDiagnostics: true,
    compilerOptions: { target: ts.ScriptTarget.ESNext, experimentalDecorators: true },
  });
  if (diagnostics.some(({ category }) => category === ts.DiagnosticCategory.Error)) return undefined;
  return { path, text, file: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
}

/** Import declarations of a file. */
export function listImports(ts: TypeScript, { file }: ParsedSource): ts.ImportDeclaration[] {
  return file.statements.filter((statement) => ts.isImportDeclaration(statement));
}

/** The module that a file imports a name from. */
export function findImportOf(ts: TypeScript, source: ParsedSource, name: string): string | undefined {
  return listImports(ts, source)
    .find((declaration) => listNames(ts, declaration).includes(name))
    ?.moduleSpecifier.getText(source.file)
    .slice(1, -1);
}

/** Calls of a method such as `NestFactory.create`, anywhere in a file. */
export function findCalls(
  ts: TypeScript,
  { file }: ParsedSource,
  isWanted: (callee: string) => boolean,
): ts.CallExpression[] {
  const found: ts.CallExpression[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && isWanted(node.expression.getText(file))) found.push(node);
    node.forEachChild(visit);
  };
  visit(file);
  return found;
}

function listNames(ts: TypeScript, { importClause }: ts.ImportDeclaration): string[] {
  const bindings = importClause?.namedBindings;
  const named = bindings && ts.isNamedImports(bindings) ? bindings.elements.map(({ name }) => name.text) : [];
  const namespace = bindings && ts.isNamespaceImport(bindings) ? [bindings.name.text] : [];
  return [...(importClause?.name ? [importClause.name.text] : []), ...named, ...namespace];
}
