/**
 * Whether a Node version matches a range as in `engines`: `^20.19.0 || ^22.12.0 || >=24.0.0`.
 *
 * @param {string} version - e.g. `20.19.1`
 * @param {string} range - alternatives with `^` or `>=` and a full version
 * @returns {boolean}
 * @throws Error for any other range syntax
 */
export function satisfies(version, range) {
  return range.split('||').some((alternative) => {
    const { operator, floor } = parse(alternative.trim());
    const actual = numbers(version);
    return isAtLeast(actual, floor) && (operator === '>=' || actual[0] === floor[0]);
  });
}

/** @param {string} alternative */
function parse(alternative) {
  const [, operator, floor] = /^(\^|>=)(\d+\.\d+\.\d+)$/.exec(alternative) ?? [];
  if (!floor) throw new Error(`unsupported range "${alternative}" in engines.node; expected ^x.y.z or >=x.y.z`);
  return { operator, floor: numbers(floor) };
}

/** @param {string} version */
function numbers(version) {
  return version.split('-', 1).join().split('.').map(Number);
}

/**
 * @param {readonly number[]} actual
 * @param {readonly number[]} floor
 */
function isAtLeast(actual, floor) {
  const different = floor.findIndex((number, index) => actual[index] !== number);
  return different === -1 || Number(actual[different]) > Number(floor[different]);
}
