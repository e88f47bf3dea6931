import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';

/** Number of modules of a class in the application: each `forRoot` with other options is a separate module. */
export function countModules(modules: ModulesContainer, type: Type): number {
  return [...modules.values()].filter(({ metatype }) => metatype === type).length;
}

/** Id of the application, with which RouterModule marks the paths of its modules. */
export function applicationIdOf(modules: ModulesContainer): string {
  return modules.applicationId;
}
