import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { tempFolder } from '../../../support/temp-folder.js';

/** A folder on a disk that a test can break. */
export interface Disk {
  readonly folder: string;
  /** Environment of a process that uses the disk. */
  readonly env: Readonly<Record<string, string>>;
  /** From now on, no process can write durably to the store file. */
  fail(pid: number, path: string): void;
  /** Repairs the disk. */
  mend(pid?: number): void;
}

/** A way in which disks fail. */
export interface FailingDisk {
  readonly title: string;
  readonly isAvailable: boolean;
  make(): Disk;
}

function run(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** A disk of 4 MiB that another file fills. */
function fullDisk(): Disk {
  const folder = tempFolder();
  if (!run('mount', '-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder)) throw new Error('cannot mount a tmpfs');
  onTestFinished(() => void run('umount', '-l', folder));
  const filler = join(folder, 'filler');
  return {
    folder,
    env: {},
    fail() {
      const file = openSync(filler, 'w');
      try {
        for (;;) writeSync(file, Buffer.alloc(4096));
      } catch {
        closeSync(file);
      }
    },
    mend: () => rmSync(filler),
  };
}

/** Files of the process may not grow. */
function limitedFiles(): Disk {
  const limit = (pid: number, bytes: number | 'unlimited'): void => {
    if (!run('prlimit', '--pid', String(pid), `--fsize=${bytes}:`)) throw new Error('cannot limit the size of files');
  };
  return {
    folder: tempFolder(),
    env: {},
    fail: (pid, path) => limit(pid, statSync(`${path}-wal`).size),
    mend: (pid) => pid && limit(pid, 'unlimited'),
  };
}

/** Accepts writes and fails every flush. */
function failingFlush(): Disk {
  const folder = tempFolder();
  const library = join(folder, 'failing-fsync.so');
  const source = fileURLToPath(new URL('./failing-fsync.c', import.meta.url));
  if (!run('gcc', '-shared', '-fPIC', '-o', library, source, '-ldl')) throw new Error('cannot compile');
  const flag = join(folder, 'fails');
  mkdirSync(join(folder, 'store'));
  return {
    folder: join(folder, 'store'),
    env: { LD_PRELOAD: library, DTM_FSYNC_FAILS_WHILE: flag },
    fail: () => writeFileSync(flag, ''),
    mend: () => rmSync(flag),
  };
}

const isLinux = process.platform === 'linux';
const canMount =
  isLinux &&
  process.getuid?.() === 0 &&
  run('sh', '-c', 'd=$(mktemp -d) && mount -t tmpfs tmpfs $d && umount $d && rmdir $d');
const canLimit = isLinux && run('prlimit', '--version');
const canCompile = isLinux && run('gcc', '--version');

const titled = (title: string, isAvailable: boolean, need: string): string =>
  isAvailable ? title : `${title} (needs ${need})`;

export const FAILING_DISKS: readonly FailingDisk[] = [
  { title: titled('that is full', canMount, 'Linux, and the right to mount'), isAvailable: canMount, make: fullDisk },
  {
    title: titled('that gives no more room to its files', canLimit, 'Linux with prlimit'),
    isAvailable: canLimit,
    make: limitedFiles,
  },
  {
    title: titled('that cannot be flushed', canCompile, 'Linux with gcc'),
    isAvailable: canCompile,
    make: failingFlush,
  },
];
