// @ts-check
import { isAvailable } from './availability.mjs';
import { catalog, serviceNames } from './catalog.mjs';
import { installPackages } from './install/debian.mjs';
import { buildGo } from './install/go.mjs';
import { buildMaven } from './install/maven.mjs';
import { buildNpm } from './install/npm.mjs';
import { buildVenv } from './install/python.mjs';

/** @import { ServiceName } from './catalog.mjs' */

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

  installPackaged(missing.filter((name) => 'debian' in catalog[name]));
  for (const name of missing) {
    const service = catalog[name];
    if ('module' in service) buildGo(name, service);
    if ('project' in service) buildMaven(name, service);
    if ('venv' in service) buildVenv(name, service);
    if ('npm' in service) buildNpm(name, service);
    if (!isAvailable(name)) throw new Error(`${service.title} was installed, but ${service.programs} was not found`);
  }
}

/**
 * @param {readonly string[]} args
 * @returns {ServiceName[]}
 */
function wantedNames(args) {
  const unknown = args.filter((arg) => !serviceNames.some((name) => name === arg));
  if (unknown.length > 0)
    throw new Error(`Unknown service: ${unknown.join(', ')}; expected ${serviceNames.join(', ')}`);
  return args.length > 0 ? /** @type {ServiceName[]} */ (args) : serviceNames;
}

/** @param {readonly ServiceName[]} names */
function installPackaged(names) {
  if (names.length === 0) return;
  const services = names.map((name) => catalog[name]);
  const packages = services.flatMap((service) => ('debian' in service ? [service.debian] : []));
  const programs = services.flatMap((service) => service.programs);
  installPackages(packages, programs, names);
}
