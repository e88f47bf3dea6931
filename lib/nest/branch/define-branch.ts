import { RequestMapping, RequestMethod, UseFilters, UseInterceptors, applyDecorators } from '@nestjs/common';
import { INTERCEPTORS_METADATA, METHOD_METADATA } from '@nestjs/common/constants.js';
import { DtmConfigError } from '../../protocol/index.js';
import { BranchMetadata, definitionOf, type BranchDefinition } from './branch-definition.js';
import { BranchExceptionFilter } from './branch-exception.filter.js';
import { BranchInterceptor } from './branch.interceptor.js';

/**
 * Makes a method an endpoint that dtm can call: its own metadata and a composition of Nest's decorators. All methods are
 * mapped because Nest keeps one mapping per method, and POST and GET must pass the same guards.
 *
 * @param target - prototype of the controller
 * @param name - name of the method
 * @param path - path below the controller's
 * @param definition - what dtm may call it for
 * @throws DtmConfigError when there is no such method, or it has another purpose already
 */
export function defineBranch(target: object, name: string, path: string, definition: BranchDefinition): void {
  const where = `${classNameOf(target)}.${name}`;
  if (typeof target === 'function')
    throw new DtmConfigError(`${where} is static; a branch is a method of the controller's instances`);
  const descriptor = Object.getOwnPropertyDescriptor(target, name);
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
  applyDecorators(
    BranchMetadata(definition),
    RequestMapping({ path, method: RequestMethod.ALL }),
    UseInterceptors(BranchInterceptor),
    UseFilters(BranchExceptionFilter),
  )(target, name, descriptor);
  putFirst(descriptor.value);
}

/** Whether the user's interceptors stand above or below the branch decorator, ours is around them. */
function putFirst(method: object): void {
  const interceptors = Reflect.getMetadata(INTERCEPTORS_METADATA, method) as readonly unknown[];
  const others = interceptors.filter((interceptor) => interceptor !== BranchInterceptor);
  Reflect.defineMetadata(INTERCEPTORS_METADATA, [BranchInterceptor, ...others], method);
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
