import { RequestMapping, RequestMethod, UseFilters, UseGuards, applyDecorators } from '@nestjs/common';
import { METHOD_METADATA } from '@nestjs/common/constants.js';
import { DtmConfigError } from '../../../protocol/internal.js';
import { BranchMetadata, findBranchDefinition, type BranchPurpose } from '../definition/branch-definition.js';
import { BranchExceptionFilter } from '../serve/branch-exception.filter.js';
import { BranchGuard } from '../serve/branch.guard.js';
import { wrapBranchMethod } from '../serve/branch-method.js';
import { parseRpcName } from '../definition/rpc-name.js';

/** Where a branch method is found. */
export interface BranchRouteOptions {
  /** Path below the controller's. @default the method name */
  readonly path?: string | undefined;
  /** Full name of its gRPC service, e.g. `bank.Bank`. @default `nestjsdtm.<class without Controller>`, which takes JSON */
  readonly service?: string | undefined;
  /** Name of its gRPC method. @default the method name, its first letter in upper case */
  readonly rpc?: string | undefined;
}

/**
 * Makes a method an endpoint that dtm can call: its own metadata and a composition of Nest's decorators, on a method that
 * takes its place. All HTTP methods are mapped because Nest keeps one mapping per method, and POST and GET must pass the
 * same guards.
 *
 * @param target - prototype of the controller
 * @param name - name of the method
 * @param address - where it is found
 * @param purpose - what dtm may call it for
 * @param descriptor - the method as the decorators below left it
 * @throws DtmConfigError when there is no such method, or it has another purpose already, or gRPC knows no such name
 */
export function defineBranch(
  target: object,
  name: string,
  address: BranchRouteOptions,
  purpose: BranchPurpose,
  descriptor: PropertyDescriptor | undefined = Object.getOwnPropertyDescriptor(target, name),
): void {
  const where = `${classNameOf(target)}.${name}`;
  if (typeof target === 'function')
    throw new DtmConfigError(`${where} is static; a branch is a method of the controller's instances`);
  if (typeof descriptor?.value !== 'function') throw missing(target, name, purpose);
  const present = findBranchDefinition(descriptor.value);
  if (present) {
    throw new DtmConfigError(
      `${where} is ${purposeOf(present)} already and cannot also be ${purposeOf(purpose)}; one method serves one operation, so write another that calls it`,
    );
  }
  if (Reflect.hasMetadata(METHOD_METADATA, descriptor.value)) {
    throw new DtmConfigError(
      `${where} has a route decorator such as @Post(); remove it, the branch decorator maps the route`,
    );
  }
  const rpc = parseRpcName(target.constructor.name, name, address);
  descriptor.value = wrapBranchMethod(descriptor.value);
  applyDecorators(
    BranchMetadata({ ...purpose, rpc }),
    RequestMapping({ path: address.path ?? name, method: RequestMethod.ALL }),
    UseGuards(BranchGuard),
    UseFilters(BranchExceptionFilter),
  )(target, name, descriptor);
  Object.defineProperty(target, name, descriptor);
}

function missing(target: object, name: string, purpose: BranchPurpose): DtmConfigError {
  const owner = classNameOf(target);
  const asked =
    'companionOf' in purpose
      ? `${owner}.${purpose.companionOf} names ${name} as its ${purpose.op}`
      : `${owner}.${name} is decorated`;
  const reason =
    name in target
      ? `${name} is inherited or not a method: declare it in ${owner} itself (it may call super.${name})`
      : `${owner} has no method ${name}: add it, or correct the name`;
  return new DtmConfigError(`${asked}, but ${reason}`);
}

function purposeOf(purpose: BranchPurpose): string {
  const { transType, op } = purpose;
  return 'companionOf' in purpose ? `the ${op} of ${purpose.companionOf}` : `a ${transType} ${op}`;
}

function classNameOf(target: object): string {
  return typeof target === 'function' ? target.name : target.constructor.name;
}
