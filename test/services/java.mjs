// @ts-check

/**
 * Options for a Java process that starts fast and writes only to its folder.
 *
 * @param {string} dir
 * @returns {string[]}
 */
export function javaOptions(dir) {
  return [
    '-XX:TieredStopAtLevel=1', // optimized code does not pay off for a short run
    '-XX:-UsePerfData',
    `-Djava.io.tmpdir=${dir}`,
    `-Duser.home=${dir}`,
  ];
}
