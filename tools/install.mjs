import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { isUpToDate } from './support/lockfiles.mjs';
import { satisfies } from './support/node-range.mjs';
import { readJson, root } from './support/root.mjs';

const { name, engines } = readJson(join(root, 'package.json'));

if (!satisfies(process.versions.node, engines.node)) {
  console.error(`${name} needs Node ${engines.node}; this is Node ${process.versions.node}.`);
  process.exit(1);
}

if (!isUpToDate(join(root, 'package-lock.json'), join(root, 'node_modules', '.package-lock.json'))) {
  // A shell, because npm is a script on Windows. Dev dependencies also with NODE_ENV=production.
  const { status } = spawnSync('npm ci --include=dev --no-audit --no-fund --loglevel=error', {
    cwd: root,
    shell: true,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) {
    console.error('npm ci failed: the dependencies of package-lock.json are not installed.');
    process.exit(1);
  }
}
