import ts from 'typescript';
import { visit } from 'unist-util-visit';

/** @import { Page } from './page.mjs' */

/** The error for `declare` in a nested scope. On the page, the `declare` is at the top level. */
const NO_MODIFIERS_HERE = 1184;

/**
 * TypeScript on a page: a code block, or a comment `<!-- ts … -->` with code that readers need not see.
 *
 * @typedef {object} Block
 * @property {string} page
 * @property {number} line Of its first line in the page.
 * @property {string} text
 * @property {boolean} isFragment Marked `ts fragment`, so it is not compiled.
 */

/**
 * The module that is compiled for a block.
 *
 * @typedef {object} BlockModule
 * @property {Block} block
 * @property {string} text
 * @property {readonly { start: number, end: number, offset: number }[]} own The parts of the text that come from the
 *   block, with their offsets in the block.
 */

/**
 * Finds the TypeScript of a page.
 *
 * @param {Page} page
 * @returns {Block[]}
 */
export function getBlocks({ path, tree }) {
  /** @type {Block[]} */
  const blocks = [];
  visit(tree, (node) => {
    const first = node.position?.start.line ?? 1;
    if (node.type === 'code' && /^(ts|typescript)$/.test(node.lang ?? '')) {
      const isFragment = /\bfragment\b/.test(node.meta ?? '');
      blocks.push({ page: path, line: first + 1, text: node.value, isFragment });
    } else if (node.type === 'html') {
      const [, text] = /^<!-- ts\n([^]*?)-->/.exec(node.value) ?? [];
      if (text !== undefined) blocks.push({ page: path, line: first + 1, text, isFragment: false });
    }
  });
  return blocks;
}

/**
 * Creates a module for each block of a page. A page is read from the top: a block sees what the blocks above it import and
 * declare, and may declare a name again. So the module nests the block in the scopes of the blocks above it.
 *
 * @param {readonly Block[]} blocks - of one page
 * @returns {Map<string, BlockModule>} by path, next to the page
 */
export function assembleModules(blocks) {
  const parsed = blocks.filter(({ isFragment }) => !isFragment).map(parse);
  return new Map(
    parsed.map(({ block, imports, body }, index) => {
      const above = parsed.slice(0, index);
      /** @type {{ start: number, end: number, offset: number }[]} */
      const own = [];
      let text = '';
      const add = (/** @type {string} */ part, /** @type {number} */ offset) => {
        own.push({ start: text.length, end: text.length + part.length, offset });
        text += `${part}\n`;
      };
      for (const { code, offset } of imports) add(code, offset);
      text += createCarriedImports(
        above.flatMap((earlier) => earlier.imports),
        imports,
      );
      text += above.map((earlier) => `{${earlier.body}\n`).join('');
      text += '{';
      add(body, 0);
      text += `${'}'.repeat(above.length + 1)}\nexport {};\n`;
      return [`${block.page}.${block.line}.ts`, { block, text, own }];
    }),
  );
}

/**
 * Finds the compiler errors of the blocks.
 *
 * @param {ts.Program} program
 * @param {string} root
 * @param {ReadonlyMap<string, BlockModule>} modules
 * @returns {string[]}
 */
export function findBlockErrors(program, root, modules) {
  return [...modules].flatMap(([path, { block, own }]) => {
    const source = program.getSourceFile(`${root}/${path}`);
    const syntax = program.getSyntacticDiagnostics(source);
    const diagnostics = syntax.length > 0 ? syntax : program.getSemanticDiagnostics(source);
    return diagnostics.flatMap(({ start = 0, messageText, code }) => {
      if (code === NO_MODIFIERS_HERE) return [];
      const part = own.find((candidate) => start >= candidate.start && start <= candidate.end);
      if (!part) return [];
      const before = block.text.slice(0, part.offset + start - part.start);
      const line = block.line + before.split('\n').length - 1;
      return [`${block.page}:${line} TS${code}: ${ts.flattenDiagnosticMessageText(messageText, '\n  ')}`];
    });
  });
}

/**
 * An import of a block.
 *
 * @typedef {object} Import
 * @property {string} code
 * @property {number} offset
 * @property {ReadonlyMap<string, string>} names For each name, a declaration that imports this name only.
 */

/** @param {Block} block */
function parse(block) {
  const { text } = block;
  const source = ts.createSourceFile('block.ts', text, ts.ScriptTarget.Latest, true);
  let body = text;
  const blank = (/** @type {ts.Node} */ node) => {
    const code = text.slice(node.getStart(), node.end);
    body = body.slice(0, node.getStart()) + code.replaceAll(/[^\n]/g, ' ') + body.slice(node.end);
    return { code, offset: node.getStart() };
  };
  /** @type {Import[]} */
  const imports = [];
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) imports.push({ ...blank(statement), names: getNames(statement) });
    else if (ts.canHaveModifiers(statement)) {
      ts.getModifiers(statement)
        ?.filter(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
        .forEach(blank);
    }
  }
  return { block, imports, body };
}

/**
 * @param {ts.ImportDeclaration} declaration
 * @returns {Map<string, string>}
 */
function getNames({ importClause, moduleSpecifier }) {
  const from = `from ${moduleSpecifier.getText()};\n`;
  const { name, namedBindings } = importClause ?? {};
  const type = importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword ? 'type ' : '';
  /** @type {Map<string, string>} */
  const names = new Map();
  if (name) names.set(name.text, `import ${type}${name.text} ${from}`);
  if (namedBindings && ts.isNamespaceImport(namedBindings)) {
    names.set(namedBindings.name.text, `import ${type}${namedBindings.getText()} ${from}`);
  } else {
    for (const element of namedBindings?.elements ?? []) {
      names.set(element.name.text, `import ${type}{ ${element.getText()} } ${from}`);
    }
  }
  return names;
}

/**
 * Creates the imports that a block takes over from the blocks above it.
 *
 * @param {readonly Import[]} above
 * @param {readonly Import[]} own
 * @returns {string}
 */
function createCarriedImports(above, own) {
  const carried = new Map(above.flatMap(({ names }) => [...names]));
  for (const name of own.flatMap(({ names }) => [...names.keys()])) carried.delete(name);
  return [...carried.values()].join('');
}
