// @ts-check
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

import { installCommand } from '../programs.mjs';

/** @import { ServiceName } from '../catalog.mjs' */

/**
 * Installs Debian packages without starting their services.
 *
 * @param {readonly string[]} packages
 * @param {readonly string[]} programs Programs that the packages provide.
 * @param {readonly ServiceName[]} names The services that need them.
 */
export function installPackages(packages, programs, names) {
  if (!existsSync('/etc/debian_version')) {
    const what = `${packages.join(', ')} and put ${programs.join(', ')} on the PATH`;
    throw new Error(`apt-get is for Debian only; install ${what}`);
  }
  if (process.getuid?.() !== 0) {
    throw new Error(`Debian packages are missing (${packages.join(', ')}). As root, run: ${installCommand(...names)}`);
  }
  console.log(`apt-get: ${packages.join(', ')} …`);
  withoutStartingServices(() => {
    apt('update');
    apt('install', '--yes', '--no-install-recommends', ...packages);
  });
}

/** @param {...string} args */
function apt(...args) {
  execFileSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=600', '-o', 'Dpkg::Use-Pty=0', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'pipe'], // long output, shown only in an error
  });
}

/**
 * Debian starts a service when its package is configured, unless policy-rc.d forbids it.
 *
 * @param {() => void} action
 */
function withoutStartingServices(action) {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return action();
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    action();
  } finally {
    rmSync(policy);
  }
}
