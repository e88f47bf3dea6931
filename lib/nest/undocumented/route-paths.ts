import { RequestMethod, type Type } from '@nestjs/common';
import { HOST_METADATA, MODULE_PATH, PATH_METADATA, VERSION_METADATA } from '@nestjs/common/constants.js';
import type { ApplicationConfig } from '@nestjs/core';
import { RoutePathFactory } from '@nestjs/core/router/route-path-factory.js';

type PathMetadata = Parameters<RoutePathFactory['create']>[0];

/** Location of a route method in the application. */
export interface RouteLocation {
  readonly controller: Type;
  /** Name of the method. */
  readonly method: string;
  /** Class of the module that lists the controller. */
  readonly module: unknown;
  /** The application's configuration. */
  readonly config: ApplicationConfig;
  /** Id of the application; RouterModule marks its paths with it. */
  readonly applicationId: string;
}

/** The route of a method as Nest's router registers it. */
export interface Route {
  /** Paths with the global prefix and its exclusions, versions of the URI, and the paths of RouterModule, controller and method. */
  readonly paths: readonly string[];
  /**
   * First path without what the HTTP server of an application adds: the global prefix and versions of the URI. A version that
   * controller or method declare is in front.
   */
  readonly name: string;
  /** Version that the method or its controller has; a symbol is VERSION_NEUTRAL. */
  readonly version: unknown;
  /** Host that the controller is bound to. */
  readonly host: unknown;
}

/** Computes the paths with the same class that Nest's router uses. */
export function readRoute({ controller, method, module, config, applicationId }: RouteLocation): Route {
  const handler = (controller.prototype as Record<string, object>)[method]!;
  const versioning = config.getVersioning();
  const metadata = {
    modulePath: readModulePath(module, applicationId),
    controllerVersion: versioning && (Reflect.getMetadata(VERSION_METADATA, controller) ?? versioning.defaultVersion),
    methodVersion: Reflect.getMetadata(VERSION_METADATA, handler),
    versioningOptions: versioning,
    globalPrefix: addLeadingSlash(config.getGlobalPrefix()),
  } as PathMetadata;
  const factory = new RoutePathFactory(config);
  const paths = toList(Reflect.getMetadata(PATH_METADATA, controller)).flatMap((ctrlPath) =>
    toList(Reflect.getMetadata(PATH_METADATA, handler)).flatMap((methodPath) =>
      factory.create(
        { ...metadata, ctrlPath: addLeadingSlash(ctrlPath), methodPath: addLeadingSlash(methodPath) },
        RequestMethod.ALL,
      ),
    ),
  );
  const [name] = factory.create(
    {
      modulePath: metadata.modulePath,
      ctrlPath: addLeadingSlash(toList(Reflect.getMetadata(PATH_METADATA, controller))[0]!),
      methodPath: addLeadingSlash(toList(Reflect.getMetadata(PATH_METADATA, handler))[0]!),
    } as PathMetadata,
    RequestMethod.ALL,
  );
  const declared = [Reflect.getMetadata(VERSION_METADATA, handler) ?? Reflect.getMetadata(VERSION_METADATA, controller)]
    .flat()
    .find((version) => typeof version === 'string');
  const named = declared === undefined ? name! : `/v${declared}${name}`;
  return {
    paths,
    name: named,
    version: factory.getVersion(metadata),
    host: Reflect.getMetadata(HOST_METADATA, controller),
  };
}

function readModulePath(module: unknown, applicationId: string): string | undefined {
  if (typeof module !== 'function') return undefined;
  return (Reflect.getMetadata(MODULE_PATH + applicationId, module) ?? Reflect.getMetadata(MODULE_PATH, module)) as
    | string
    | undefined;
}

function addLeadingSlash(path: string): string {
  return path === '' || path.startsWith('/') ? path : `/${path}`;
}

function toList(path: string | readonly string[]): readonly string[] {
  return typeof path === 'string' ? [path] : path;
}
