import type ts from 'typescript';
import type { SourceStyle } from './source-style.js';
import { findImportOf, listImports, parseSource, type ParsedSource, type TypeScript } from './typescript.js';

/** An element for the `imports` of a module. */
export interface ModuleImport {
  /** The code, for example `DtmModule.forRoot({ … })`. */
  readonly code: string;
  /** Names that the code needs, and where they come from. */
  readonly from: readonly { readonly name: string; readonly specifier: string }[];
}

interface Edit {
  readonly position: number;
  readonly end?: number;
  readonly text: string;
}

/**
 * Adds elements to the `imports` of a Nest module, and the import declarations that they need. Everything else stays as it is.
 *
 * @param source - the file of the module
 * @param elements - what the module does not have yet
 * @returns the new text, or undefined when the file is not written as this function expects
 */
export function addModuleImports(
  ts: TypeScript,
  source: ParsedSource,
  elements: readonly ModuleImport[],
  style: SourceStyle,
): string | undefined {
  const metadata = findModuleMetadata(ts, source);
  if (!metadata) return undefined;
  const declared = elements.flatMap(({ from }) => from);
  const missing = declared.filter(({ name }) => findImportOf(ts, source, name) === undefined);
  if (missing.some(({ name }) => isTaken(ts, source, name))) return undefined;
  if (declared.some(({ name, specifier }) => ![specifier, undefined].includes(findImportOf(ts, source, name))))
    return undefined;
  const edits = addToImportsProperty(ts, source, metadata, elements, style);
  if (!edits) return undefined;
  const text = apply(source.text, [...addDeclarations(ts, source, missing, style), ...edits]);
  return parseSource(ts, source.path, text) && text;
}

/** The elements in the `imports` of the module. @returns undefined when they are not a list */
export function listModuleImports(ts: TypeScript, source: ParsedSource): string[] | undefined {
  const metadata = findModuleMetadata(ts, source);
  if (!metadata) return undefined;
  const property = findImportsProperty(ts, source, metadata);
  if (!property) return [];
  return ts.isPropertyAssignment(property) && ts.isArrayLiteralExpression(property.initializer)
    ? property.initializer.elements.map((element) => element.getText(source.file))
    : undefined;
}

/** The object of the only `@Module()` of a file. */
function findModuleMetadata(ts: TypeScript, { file }: ParsedSource): ts.ObjectLiteralExpression | undefined {
  const found = file.statements
    .filter((statement) => ts.isClassDeclaration(statement))
    .flatMap((declaration) => ts.getDecorators(declaration) ?? [])
    .map(({ expression }) => expression)
    .filter((expression) => ts.isCallExpression(expression))
    .filter(({ expression }) => expression.getText(file) === 'Module');
  const argument = found.length === 1 ? found[0]!.arguments[0] : undefined;
  if (!argument || !ts.isObjectLiteralExpression(argument)) return undefined;
  // a spread may bring imports of its own
  return argument.properties.some((property) => ts.isSpreadAssignment(property)) ? undefined : argument;
}

function findImportsProperty(ts: TypeScript, { file }: ParsedSource, metadata: ts.ObjectLiteralExpression) {
  return metadata.properties.find((property) => {
    const { name } = property;
    return name && (ts.isStringLiteral(name) ? name.text : name.getText(file)) === 'imports';
  });
}

/** Whether a statement of the file declares the name. */
function isTaken(ts: TypeScript, { file }: ParsedSource, name: string): boolean {
  return file.statements.some((statement) => {
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.some((declaration) =>
        declaration.name.getText(file).includes(name),
      );
    return (ts.isClassDeclaration(statement) || ts.isFunctionDeclaration(statement)) && statement.name?.text === name;
  });
}

function addDeclarations(
  ts: TypeScript,
  source: ParsedSource,
  names: ModuleImport['from'],
  { quote, lineBreak, semicolons }: SourceStyle,
): Edit[] {
  const last = listImports(ts, source).at(-1);
  const lines = names.map(
    ({ name, specifier }) => `import { ${name} } from ${quote}${specifier}${quote}${semicolons ? ';' : ''}`,
  );
  if (lines.length === 0) return [];
  const text = lines.join(lineBreak);
  return [
    last
      ? { position: endOfLine(source.text, last.end), text: `${lineBreak}${text}` }
      : { position: 0, text: `${text}${lineBreak}` },
  ];
}

function addToImportsProperty(
  ts: TypeScript,
  source: ParsedSource,
  metadata: ts.ObjectLiteralExpression,
  elements: readonly ModuleImport[],
  style: SourceStyle,
): Edit[] | undefined {
  const { text, file } = source;
  const { indent, lineBreak } = style;
  const codes = elements.map(({ code }) => code);
  const property = findImportsProperty(ts, source, metadata);
  if (!property) {
    const [first] = metadata.properties;
    const isMultiline = first && text.slice(metadata.getStart(file), first.getStart(file)).includes('\n');
    const outer = isMultiline
      ? indentAt(text, first.getStart(file))
      : `${indentAt(text, metadata.getStart(file))}${indent}`;
    const list = `imports: ${writeList(codes, outer, style)}`;
    if (!first)
      return [
        { position: metadata.getStart(file), end: metadata.end, text: `{${lineBreak}${outer}${list},${lineBreak}}` },
      ];
    return [{ position: first.getStart(file), text: isMultiline ? `${list},${lineBreak}${outer}` : `${list}, ` }];
  }
  if (!ts.isPropertyAssignment(property) || !ts.isArrayLiteralExpression(property.initializer)) return undefined;
  const list = property.initializer;
  const present = list.elements.map((element) => element.getText(file));
  const start = list.getStart(file);
  const last = list.elements.at(-1);
  const isSingleLine = !list.getText(file).includes('\n');
  const hasComments = withoutAll(list.getText(file), present).includes('/');
  if (!last || (isSingleLine && !hasComments)) {
    if (hasComments) return undefined;
    return [{ position: start, end: list.end, text: writeList([...present, ...codes], indentAt(text, start), style) }];
  }
  const comma = list.elements.hasTrailingComma ? text.indexOf(',', last.end) + 1 : 0;
  const ending = endOfLine(text, comma || last.end);
  if (ending >= list.end) return [{ position: last.end, text: codes.map((code) => `, ${code}`).join('') }];
  const inner = indentAt(text, last.getStart(file));
  return [
    ...(comma ? [] : [{ position: last.end, text: ',' }]),
    { position: ending, text: `${codes.map((code) => `${lineBreak}${inner}${code}`).join(',')}${comma ? ',' : ''}` },
  ];
}

/** A list with an element on each line. */
function writeList(codes: readonly string[], outer: string, { indent, lineBreak }: SourceStyle): string {
  return `[${lineBreak}${codes.map((code) => `${outer}${indent}${code},${lineBreak}`).join('')}${outer}]`;
}

function withoutAll(text: string, parts: readonly string[]): string {
  return parts.reduce((rest, part) => rest.replace(part, ''), text);
}

/** White space at the start of the line of a position. */
function indentAt(text: string, position: number): string {
  const start = text.lastIndexOf('\n', position - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start, position))![0];
}

function endOfLine(text: string, position: number): number {
  const found = text.indexOf('\n', position);
  const end = found < 0 ? text.length : found;
  return text[end - 1] === '\r' ? end - 1 : end;
}

function apply(text: string, edits: readonly Edit[]): string {
  return edits
    .toSorted((a, b) => b.position - a.position)
    .reduce(
      (changed, { position, end = position, text: added }) =>
        `${changed.slice(0, position)}${added}${changed.slice(end)}`,
      text,
    );
}
