import { listImports, type ParsedSource, type TypeScript } from './typescript.js';

/** How the application writes its code. */
export interface SourceStyle {
  readonly quote: "'" | '"';
  /** Of one level. */
  readonly indent: string;
  readonly lineBreak: string;
  readonly semicolons: boolean;
  /** Ending of relative imports. */
  readonly extension: '' | '.js' | '.ts';
}

/** The style of what the Nest CLI generates. */
export function defaultStyle(isEsm: boolean): SourceStyle {
  return { quote: "'", indent: '  ', lineBreak: '\n', semicolons: true, extension: isEsm ? '.js' : '' };
}

/**
 * Reads the style of a file with imports.
 *
 * @param otherwise - what the file does not show
 */
export function readStyle(ts: TypeScript, source: ParsedSource, otherwise: SourceStyle): SourceStyle {
  const { text, file } = source;
  const imports = listImports(ts, source);
  const [first] = imports;
  const relative = imports
    .map((one) => one.moduleSpecifier.getText(file).slice(1, -1))
    .find((one) => one.startsWith('.'));
  const indent = /^([ \t]+)\S/m.exec(text.replaceAll(/^[ \t]+\*.*$/gm, ''))?.[1];
  return {
    quote: first ? (first.moduleSpecifier.getText(file).startsWith('"') ? '"' : "'") : otherwise.quote,
    indent: indent ?? otherwise.indent,
    lineBreak: text.includes('\r\n') ? '\r\n' : '\n',
    semicolons: first ? first.getText(file).endsWith(';') : otherwise.semicolons,
    extension: relative === undefined ? otherwise.extension : extensionOf(relative),
  };
}

/** Writes code of the default style in another one. The code has no quotes and semicolons but those of its syntax. */
export function applyStyle(code: string, { quote, indent, lineBreak, semicolons }: SourceStyle): string {
  return code
    .split('\n')
    .map((line) => line.replace(/^(?: {2})+/, (spaces) => indent.repeat(spaces.length / 2)))
    .map((line) => (isComment(line) ? line : line.replaceAll("'", quote)))
    .map((line) => (semicolons || isComment(line) ? line : line.replace(/;$/, '')))
    .join(lineBreak);
}

function isComment(line: string): boolean {
  return /^\s*(?:\/\/|\/\*|\*)/.test(line);
}

function extensionOf(specifier: string): SourceStyle['extension'] {
  const [ending] = /\.[jt]s$/.exec(specifier) ?? [''];
  return ending as SourceStyle['extension'];
}
