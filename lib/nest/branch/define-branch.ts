import { RequestMapping, RequestMethod, UseFilters, UseGuards, applyDecorators } from '@nestjs/common';
import { METHOD_METADATA } from '@nestjs/common/constants.js';
import { DtmConfigError } from '../../protocol/index.js';
import { BranchMetadata, definitionOf, type BranchDefinition } from './branch-definition.js';
import { BranchExceptionFilter } from './branch-exception.filter.js';
import { BranchGuard } from './branch.guard.js';
import { branchMethod } from './branch-method.js';

/**
 * Makes a method an endpoint that dtm can call: its own metadata and a composition of Nest's decorators, on a method that
 * takes its place. All HTTP methods are mapped because Nest keeps one mapping per method, and POST and GET must pass the
 * same guards.
 *
 * @param target - prototype of the controller
 * @param name - name of the method
 * @param path - path below the controller's
 * @param definition - what dtm may call it for
 * @param descriptor - the method as the decorators below left it
 * @throws DtmConfigError when there is no such method, or it has another purpose already
 */
export function defineBranch(
  target: object,
  name: string,
  path: string,
  definition: BranchDefinition,
  descriptor: PropertyDescriptor | undefined = Object.getOwnPropertyDescriptor(target, name),
): void {
  const where = `${classNameOf(target)}.${name}`;
  if (typeof target === 'function')
    throw new DtmConfigError(`${where} is static; a branch is a method of the controller's instances`);
  if (typeof descriptor?.value !== 'function') throw missing(target, name, definition);
  const present = definitionOf(descriptor.value);
  if (present) {
    throw new DtmConfigError(
      `${where} is ${purposeOf(present)} already and cannot also be ${purposeOf(definition)}; one method serves one operation, so write another that calls it`,
    );
  }
  if (Reflect.hasMetadata(METHOD_METADATA, descriptor.value)) {
    throw new DtmConfigError(
      `${where} has a route decorator such as @Post(); remove it, the branch decorator maps the route`,
    );
  }
  descriptor.value = branchMethod(descriptor.value);
  applyDecorators(
    BranchMetadata(definition),
    RequestMapping({ path, method: RequestMethod.ALL }),
    UseGuards(BranchGuard),
    UseFilters(BranchExceptionFilter),
  )(target, name, descriptor);
  Object.defineProperty(target, name, descriptor);
}

function missing(target: object, name: string, definition: BranchDefinition): DtmConfigError {
  const owner = classNameOf(target);
  const asked =
    'companionOf' in definition
      ? `${owner}.${definition.companionOf} names ${name} as its ${definition.op}`
      : `${owner}.${name} is decorated`;
  const reason =
    name in target
      ? `${name} is inherited or not a method: declare it in ${owner} itself (it may call super.${name})`
      : `${owner} has no method ${name}: add it, or correct the name`;
  return new DtmConfigError(`${asked}, but ${reason}`);
}

function purposeOf(definition: BranchDefinition): string {
  const { transType, op } = definition;
  return 'companionOf' in definition ? `the ${op} of ${definition.companionOf}` : `a ${transType} ${op}`;
}

function classNameOf(target: object): string {
  return typeof target === 'function' ? target.name : target.constructor.name;
}
