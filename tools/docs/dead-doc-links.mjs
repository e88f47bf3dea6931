import ts from 'typescript';

/**
 * Finds each `{@link X}` in the sources of the package where `X` is not in scope.
 *
 * @param {string} root
 * @param {ts.Program} program
 * @returns {string[]}
 */
export function findDeadDocLinks(root, program) {
  const checker = program.getTypeChecker();
  const sources = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(`${root}/lib/`));
  return sources.flatMap((source) => {
    /** @type {string[]} */
    const problems = [];
    const visit = (/** @type {ts.Node} */ node) => {
      if (isLink(node) && !isAddress(node)) {
        const symbol = node.name && checker.getSymbolAtLocation(node.name);
        if (!symbol) {
          const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
          problems.push(`${source.fileName.slice(root.length + 1)}:${line + 1} ${node.getText(source)} leads nowhere`);
        }
      }
      // getChildren includes comments; forEachChild does not
      node.getChildren(source).forEach(visit);
    };
    visit(source);
    return problems;
  });
}

/**
 * @param {ts.Node} node
 * @returns {node is ts.JSDocLink | ts.JSDocLinkCode | ts.JSDocLinkPlain}
 */
function isLink(node) {
  return ts.isJSDocLink(node) || ts.isJSDocLinkCode(node) || ts.isJSDocLinkPlain(node);
}

/** @param {ts.JSDocLink | ts.JSDocLinkCode | ts.JSDocLinkPlain} link */
function isAddress({ name, text }) {
  return text.startsWith('://') || (!name && /^\s*https?:/.test(text));
}
