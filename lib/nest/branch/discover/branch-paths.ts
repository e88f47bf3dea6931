import { RequestMethod, VersioningType, type Type } from '@nestjs/common';
import { HOST_METADATA, MODULE_PATH, PATH_METADATA, VERSION_METADATA } from '@nestjs/common/constants.js';
import type { ApplicationConfig } from '@nestjs/core';
import { RoutePathFactory } from '@nestjs/core/router/route-path-factory.js';
import { DtmConfigError } from '../../../protocol/internal.js';

type PathMetadata = Parameters<RoutePathFactory['create']>[0];

/**
 * The paths that Nest serves a branch at, by Nest's own rules: global prefix and its exclusions, versions, RouterModule,
 * controller and method paths.
 *
 * @param controller - class of the controller
 * @param method - name of the method
 * @param module - class of the module that has the controller
 * @param config - the application's configuration
 * @param applicationId - marks paths set by RouterModule
 * @returns the paths, at least one
 * @throws DtmConfigError when the URL alone does not lead to the branch
 */
export function branchPaths(
  controller: Type,
  method: string,
  module: unknown,
  config: ApplicationConfig,
  applicationId: string,
): readonly string[] {
  const handler = (controller.prototype as Record<string, object>)[method]!;
  const versioning = config.getVersioning();
  const metadata = {
    modulePath: modulePath(module, applicationId),
    controllerVersion: versioning && (Reflect.getMetadata(VERSION_METADATA, controller) ?? versioning.defaultVersion),
    methodVersion: Reflect.getMetadata(VERSION_METADATA, handler),
    versioningOptions: versioning,
    globalPrefix: leadingSlash(config.getGlobalPrefix()),
  } as PathMetadata;

  const where = `${controller.name}.${method}`;
  const factory = new RoutePathFactory(config);
  if (versioning && versioning.type !== VersioningType.URI && factory.getVersion(metadata) !== undefined) {
    refuseVersion(where, factory.getVersion(metadata));
  }
  if (Reflect.getMetadata(HOST_METADATA, controller) !== undefined) {
    throw new DtmConfigError(
      `${where} is a branch of a controller that is bound to a host; move it to a controller without "host"`,
    );
  }
  const paths = listOf(Reflect.getMetadata(PATH_METADATA, controller)).flatMap((ctrlPath) =>
    listOf(Reflect.getMetadata(PATH_METADATA, handler)).flatMap((methodPath) =>
      factory.create(
        { ...metadata, ctrlPath: leadingSlash(ctrlPath), methodPath: leadingSlash(methodPath) },
        RequestMethod.ALL,
      ),
    ),
  );
  return paths.map((path) => checkPath(where, path));
}

function refuseVersion(where: string, version: unknown): void {
  // VERSION_NEUTRAL is a symbol; such a route answers whatever version is asked for, and none
  if (typeof version === 'symbol' || (Array.isArray(version) && version.some((item) => typeof item === 'symbol')))
    return;
  throw new DtmConfigError(
    `${where} has the version ${String(version)}, but dtm knows a URL only and sends no version; use URI versioning, or @Version(VERSION_NEUTRAL)`,
  );
}

/** Express compares a path as it was sent, Fastify decodes it first: only what needs no encoding leads there on both. */
function checkPath(where: string, path: string): string {
  if (/^[\w\-.~$@/]*$/.test(path)) return path;
  throw new DtmConfigError(
    `${where} is a branch at ${path}, but the path of a branch must be fixed and need no encoding; use letters, digits and - . _ ~ $ @ only`,
  );
}

function modulePath(module: unknown, applicationId: string): string | undefined {
  if (typeof module !== 'function') return undefined;
  return (Reflect.getMetadata(MODULE_PATH + applicationId, module) ?? Reflect.getMetadata(MODULE_PATH, module)) as
    | string
    | undefined;
}

function leadingSlash(path: string): string {
  return path === '' || path.startsWith('/') ? path : `/${path}`;
}

function listOf(path: string | readonly string[]): readonly string[] {
  return typeof path === 'string' ? [path] : path;
}
