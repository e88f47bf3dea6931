// @ts-check
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

import { catalog } from './catalog.mjs';

/** @import { BuiltService, ServiceName } from './catalog.mjs' */

/**
 * Finds a program of a service; `undefined` = not installed.
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
 * Finds a program of a service; throws an error with the install command when the program is missing.
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
 * Command that installs the given services.
 *
 * @param {...ServiceName} names
 * @returns {string}
 */
export function installCommand(...names) {
  return ['node test/services/install.mjs', ...names].join(' ');
}

/**
 * Folder, outside the repository, of the built programs of a service. Its name contains a hash of all build inputs, so a
 * stale program is never used.
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
      if (/\.(go|mod|sum|xml|java|properties|txt|json|prisma)$/.test(file))
        hash.update(file).update(readFileSync(join(sources, file)));
    }
  }
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(cache, 'nestjs-dtm', 'bin', `${name}-${hash.digest('hex').slice(0, 12)}`);
}

/**
 * Folder of the sources of a service.
 *
 * @param {BuiltService} service
 * @returns {string}
 */
export function sourceFolder(service) {
  if ('module' in service) return join(import.meta.dirname, service.module);
  if ('npm' in service) return join(import.meta.dirname, service.npm);
  return join(import.meta.dirname, 'project' in service ? service.project : service.venv);
}

/** On Debian, the PATH lacks the server programs of PostgreSQL, and `/usr/sbin` for users other than root. */
function systemFolders() {
  const postgres = '/usr/lib/postgresql';
  const versions = existsSync(postgres) ? readdirSync(postgres).toSorted((a, b) => Number(b) - Number(a)) : [];
  return [
    ...versions.map((version) => join(postgres, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
  ];
}
