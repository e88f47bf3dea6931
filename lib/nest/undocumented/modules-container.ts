import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';

/** Number of modules of a class in the application: each `forRoot` with other options is a separate module. */
export function countModules(modules: ModulesContainer, type: Type): number {
  return [...modules.values()].filter(({ metatype }) => metatype === type).length;
}

/**
 * Takes the controllers out of a module. Nest maps no route of them when this happens before it registers routes.
 *
 * @param type - class of the module
 */
export function removeControllers(modules: ModulesContainer, type: Type): void {
  for (const { metatype, controllers } of modules.values()) if (metatype === type) controllers.clear();
}

/** Id of the application, with which RouterModule marks the paths of its modules. */
export function applicationIdOf(modules: ModulesContainer): string {
  return modules.applicationId;
}
