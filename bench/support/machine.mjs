import { closeSync, fsyncSync, openSync, statfsSync, writeSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { readJson, root } from '../../tools/support/root.mjs';
import { isPinned } from './pinning.mjs';
import { median } from './statistics.mjs';

/**
 * Prints the machine and the versions, and warnings about invalid conditions.
 *
 * @param {...string} packages - packages whose versions to print
 */
export function printMachine(...packages) {
  const { length, 0: cpu } = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  console.log(`Machine: ${length} × ${cpu?.model}, ${memory}, ${type()} ${release()}, Node ${process.versions.node}`);
  console.log(`Packages: ${packages.map((name) => `${name} ${versionOf(name)}`).join(', ')}`);
  console.log(
    `Processes: ${isPinned ? 'measured program on core 0, load and participants on core 1' : 'not pinned to cores'}`,
  );
  const [load = 0] = loadavg();
  if (load > 0.5)
    console.log(`Warning: load average ${load.toFixed(1)} before the start; other programs make the figures invalid.`);
}

const fileSystems = new Map([
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x794c7630, 'overlay'],
  [0x01021994, 'tmpfs, in memory: not durable'],
]);

/**
 * Measures an fsync in a folder; durable figures depend on it.
 *
 * @param {string} folder
 * @returns {string} e.g. `ext4, fsync of 4 KiB 0.15 ms`
 */
export function describeDisk(folder) {
  const { type: magic } = statfsSync(folder);
  const file = openSync(join(folder, 'fsync'), 'w');
  const block = Buffer.alloc(4096);
  const milliseconds = Array.from({ length: 200 }, () => {
    const start = performance.now();
    writeSync(file, block);
    fsyncSync(file);
    return performance.now() - start;
  });
  closeSync(file);
  const name = fileSystems.get(magic) ?? `file system 0x${magic.toString(16)}`;
  return `${name}, fsync of 4 KiB ${median(milliseconds).toFixed(2)} ms`;
}

/** @param {string} name */
function versionOf(name) {
  return readJson(join(root, 'node_modules', name, 'package.json')).version;
}
