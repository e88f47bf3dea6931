// @ts-check
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

import { installCommand } from '../programs.mjs';

/** @import { ServiceName } from '../catalog.mjs' */

/**
 * Installs Debian packages, without starting the services that some of them bring.
 *
 * @param {readonly string[]} packages
 * @param {readonly string[]} programs What they are wanted for.
 * @param {readonly ServiceName[]} names The services that need them.
 */
export function installPackages(packages, programs, names) {
  if (!existsSync('/etc/debian_version')) {
    const what = `${packages.join(', ')} yourself, with ${programs.join(', ')} on the PATH`;
    throw new Error(`This is not Debian. Install ${what}`);
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
    stdio: ['ignore', 'ignore', 'pipe'], // long, and of interest only in the error that then carries it
  });
}

/**
 * Debian starts a service as soon as its package is configured, unless this file says no.
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
