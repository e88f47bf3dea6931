// @ts-check
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { isAvailable } from './availability.mjs';
import { catalog, serviceNames } from './catalog.mjs';
import { buildFolder, installCommand } from './programs.mjs';

/** @import { BuiltService, ServiceName } from './catalog.mjs' */

try {
  install(wantedNames(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** @param {readonly ServiceName[]} names */
function install(names) {
  const missing = names.filter((name) => !isAvailable(name));
  for (const name of names) {
    if (!missing.includes(name)) console.log(`${catalog[name].title}: installed`);
  }

  installPackages(missing.filter((name) => 'debian' in catalog[name]));
  for (const name of missing) {
    const service = catalog[name];
    if ('module' in service) build(name, service);
    if (!isAvailable(name)) throw new Error(`${service.title} was installed, but ${service.programs} cannot be found`);
  }
}

/**
 * @param {readonly string[]} args
 * @returns {ServiceName[]}
 */
function wantedNames(args) {
  const unknown = args.filter((arg) => !serviceNames.some((name) => name === arg));
  if (unknown.length > 0) throw new Error(`Unknown: ${unknown.join(', ')}. Known: ${serviceNames.join(', ')}`);
  return args.length > 0 ? /** @type {ServiceName[]} */ (args) : serviceNames;
}

/** @param {readonly ServiceName[]} names */
function installPackages(names) {
  if (names.length === 0) return;
  const packages = names.flatMap((name) => {
    const service = catalog[name];
    return 'debian' in service ? [service.debian] : [];
  });
  const programs = names.flatMap((name) => catalog[name].programs);

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

/**
 * @param {ServiceName} name
 * @param {BuiltService} service
 */
function build(name, service) {
  const folder = buildFolder(name, service);
  const sources = join(import.meta.dirname, service.module);
  /** @param {...string} args */
  function go(...args) {
    return execFileSync('go', args, { cwd: sources, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  try {
    go('version');
  } catch {
    const remedy = `Install it (https://go.dev/doc/install), then run: ${installCommand(name)}`;
    throw new Error(`${service.title} is built with Go 1.22 or newer, which is not on the PATH. ${remedy}`);
  }
  console.log(`go build ${service.package} (minutes, the first time) …`);

  // Built beside its place and moved there, so that nobody ever finds half of it.
  mkdirSync(dirname(folder), { recursive: true });
  const draft = mkdtempSync(`${folder}-`);
  try {
    const [program = name] = service.programs;
    const flags = ['-mod=readonly', '-trimpath', `-ldflags=${service.ldflags}`];
    go('build', ...flags, '-o', join(draft, program), service.package);
    const dependency = go('list', '-mod=readonly', '-m', '-f', '{{.Dir}}', service.dependency).trim();
    for (const asset of service.assets) cpSync(join(dependency, asset), join(draft, asset), { recursive: true });
    if (!isAvailable(name)) renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  console.log(`${service.title}: ${folder}`);
}
