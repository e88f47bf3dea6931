import ts from 'typescript';

/**
 * What a report says about an entry besides its declarations.
 *
 * @typedef {object} Surface
 * @property {readonly string[]} undocumented Exports without a docstring.
 * @property {readonly string[]} options Optional members of exported `…Options` that lack a docstring or a `@default`.
 * @property {readonly string[]} unexported Declarations that an export mentions but no entry exports.
 */

/**
 * Reads the declarations of all entries.
 *
 * @param {ts.Program} program
 * @param {readonly string[]} files - the declaration file of each entry
 * @returns {Map<string, Surface>} by file
 */
export function readSurfaces(program, files) {
  const checker = program.getTypeChecker();
  const exportsByFile = new Map(files.map((file) => [file, getExports(program, file)]));
  const exported = new Set([...exportsByFile.values()].flatMap((symbols) => [...symbols.values()]));

  return new Map(
    [...exportsByFile].map(([file, symbols]) => [
      file,
      {
        undocumented: [...symbols].filter(([, symbol]) => !isDocumented(symbol)).map(([name]) => name),
        options: [...symbols].flatMap(([name, symbol]) =>
          name.endsWith('Options') ? findOptionProblems(name, symbol) : [],
        ),
        unexported: [...findUnexported(symbols)]
          .map(([{ name }, by]) => `\`${name}\` in ${[...by].map((mention) => `\`${mention}\``).join(', ')}`)
          .toSorted(),
      },
    ]),
  );

  /** @param {ts.Symbol} symbol */
  function isDocumented(symbol) {
    return symbol.getDocumentationComment(checker).length > 0;
  }

  /**
   * @param {string} type
   * @param {ts.Symbol} symbol
   * @returns {string[]}
   */
  function findOptionProblems(type, symbol) {
    const members = checker.getDeclaredTypeOfSymbol(symbol).getProperties();
    const optional = members.filter(
      ({ flags, declarations }) => flags & ts.SymbolFlags.Optional && declarations?.some(isInPackage),
    );
    return optional.flatMap((member) => {
      const option = `\`${type}.${member.name}\``;
      if (member.getDocumentationComment(checker).length === 0) return [`${option} has no docstring`];
      const hasDefault = member.getJsDocTags(checker).some(({ name }) => name === 'default');
      return hasDefault ? [] : [`${option} has no @default`];
    });
  }

  /**
   * @param {Map<string, ts.Symbol>} symbols
   * @returns {Map<ts.Symbol, Set<string>>} the names of the declarations that mention each symbol
   */
  function findUnexported(symbols) {
    /** @type {Map<ts.Symbol, Set<string>>} */
    const mentions = new Map();
    const queue = [...symbols];
    for (const [by, symbol] of queue) {
      for (const mentioned of findMentions(symbol)) {
        if (exported.has(mentioned)) continue;
        if (!mentions.has(mentioned)) queue.push([mentioned.name, mentioned]);
        mentions.set(mentioned, (mentions.get(mentioned) ?? new Set()).add(by));
      }
    }
    return mentions;
  }

  /**
   * Finds the top-level symbols of the package that the declarations of a symbol mention. Private members do not count.
   *
   * @param {ts.Symbol} symbol
   * @returns {Set<ts.Symbol>}
   */
  function findMentions(symbol) {
    /** @type {Set<ts.Symbol>} */
    const found = new Set();
    const visit = (/** @type {ts.Node} */ node) => {
      if (isPrivate(node)) return;
      const target = ts.isIdentifier(node) ? resolve(checker, checker.getSymbolAtLocation(node)) : undefined;
      if (target && target !== symbol && target.declarations?.some(isTopLevel)) found.add(target);
      ts.forEachChild(node, visit);
    };
    symbol.declarations?.filter(isInPackage).forEach(visit);
    return found;
  }
}

/** @param {ts.Declaration} declaration */
function isTopLevel(declaration) {
  const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  return statement.parent !== undefined && ts.isSourceFile(statement.parent) && isInPackage(declaration);
}

/** @param {ts.Declaration} declaration */
function isInPackage(declaration) {
  return !declaration.getSourceFile().fileName.includes('/node_modules/');
}

/**
 * @param {ts.Program} program
 * @param {string} file
 * @returns {Map<string, ts.Symbol>} by the exported name, sorted
 */
function getExports(program, file) {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`${file} is not a module`);
  const symbols = checker
    .getExportsOfModule(module)
    .map((symbol) => /** @type {const} */ ([symbol.name, resolve(checker, symbol) ?? symbol]));
  return new Map(symbols.toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

/**
 * @param {ts.TypeChecker} checker
 * @param {ts.Symbol | undefined} symbol
 */
function resolve(checker, symbol) {
  return symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** @param {ts.Node} node */
function isPrivate(node) {
  const isMember = ts.isClassElement(node) || ts.isParameter(node);
  return isMember && Boolean(ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Private);
}
