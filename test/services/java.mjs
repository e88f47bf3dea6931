// @ts-check

/**
 * Options of a Java that starts soon and leaves nothing outside its folder.
 *
 * @param {string} dir
 * @returns {string[]}
 */
export function javaOptions(dir) {
  return [
    '-XX:TieredStopAtLevel=1', // it lives too short for better code
    '-XX:-UsePerfData',
    `-Djava.io.tmpdir=${dir}`,
    `-Duser.home=${dir}`,
  ];
}
