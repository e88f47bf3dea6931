// @ts-check
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

import { catalog } from './catalog.mjs';

/** @import { BuiltService, ServiceName } from './catalog.mjs' */

/**
 * Path of a program of a service, or `undefined` when it is not installed.
 *
 * @param {ServiceName} name
 * @param {string} program
 * @returns {string | undefined}
 */
export function findProgram(name, program) {
  const service = catalog[name];
  const folders = 'debian' in service ? systemFolders() : [buildFolder(name, service)];
  if ('project' in service) folders.push(...systemFolders()); // for java
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

/**
 * Path of a program of a service; throws an error that names the remedy when it is not installed.
 *
 * @param {ServiceName} name
 * @param {string} program
 * @returns {string}
 */
export function requireProgram(name, program) {
  const path = findProgram(name, program);
  if (!path) throw new Error(`${catalog[name].title} is not installed. Run: ${installCommand(name)}`);
  return path;
}

/**
 * The command that installs these services.
 *
 * @param {...ServiceName} names
 * @returns {string}
 */
export function installCommand(...names) {
  return ['node test/services/install.mjs', ...names].join(' ');
}

/**
 * Folder outside the checkout that holds what was built for a service. It is keyed by everything that goes into the
 * build, so a stale program is never found.
 *
 * @param {ServiceName} name
 * @param {BuiltService} service
 * @returns {string}
 */
export function buildFolder(name, service) {
  const hash = createHash('sha256').update(JSON.stringify(service));
  const used = 'module' in service ? (service.uses ?? []).map((module) => join(import.meta.dirname, module)) : [];
  for (const sources of [sourceFolder(service), ...used]) {
    for (const file of readdirSync(sources, { recursive: true, encoding: 'utf8' }).toSorted()) {
      if (/\.(go|mod|sum|xml|java|properties)$/.test(file)) hash.update(file).update(readFileSync(join(sources, file)));
    }
  }
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(cache, 'nestjs-dtm', 'bin', `${name}-${hash.digest('hex').slice(0, 12)}`);
}

/**
 * Folder in the checkout that a service is built from.
 *
 * @param {BuiltService} service
 * @returns {string}
 */
export function sourceFolder(service) {
  return join(import.meta.dirname, 'module' in service ? service.module : service.project);
}

/** Debian keeps PostgreSQL's server programs off the PATH, and `/usr/sbin` off the PATH of everyone but root. */
function systemFolders() {
  const postgres = '/usr/lib/postgresql';
  const versions = existsSync(postgres) ? readdirSync(postgres).toSorted((a, b) => Number(b) - Number(a)) : [];
  return [
    ...versions.map((version) => join(postgres, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
  ];
}
