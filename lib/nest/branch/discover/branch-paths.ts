import { VersioningType } from '@nestjs/common';
import { DtmConfigError } from '../../../protocol/internal.js';
import { readRoute, type Route, type RouteLocation } from '../../undocumented/route-paths.js';

/**
 * Finds the paths at which Nest serves a branch, and the name of the branch.
 *
 * @param location - location of the method in the application
 * @returns at least one path
 * @throws DtmConfigError when a URL alone does not lead to the branch
 */
export function findBranchPaths(location: RouteLocation): Pick<Route, 'paths' | 'name'> {
  const where = `${location.controller.name}.${location.method}`;
  const { paths, name, version, host } = readRoute(location);
  const versioning = location.config.getVersioning();
  if (versioning && versioning.type !== VersioningType.URI) assertNeutral(where, version);
  if (host !== undefined) {
    throw new DtmConfigError(
      `${where} is a branch of a controller that is bound to a host; move it to a controller without "host"`,
    );
  }
  for (const path of paths) assertPlainPath(where, path);
  return { paths, name };
}

/** A route with VERSION_NEUTRAL, a symbol, answers requests of every version, and those without one. */
function assertNeutral(where: string, version: unknown): void {
  const versions: readonly unknown[] = Array.isArray(version) ? version : [version];
  if (version === undefined || versions.some((item) => typeof item === 'symbol')) return;
  throw new DtmConfigError(
    `${where} has the version ${String(version)}, but the coordinator calls a URL and sends no version; use URI versioning, or @Version(VERSION_NEUTRAL)`,
  );
}

/** Some frameworks match a path as it was sent, others decode it first. Without encoding the two are the same. */
function assertPlainPath(where: string, path: string): void {
  if (/^[\w\-.~$@/]*$/.test(path)) return;
  throw new DtmConfigError(
    `${where} is a branch at ${path}, but the path of a branch must be fixed and need no encoding; use letters, digits and - . _ ~ $ @ only`,
  );
}
