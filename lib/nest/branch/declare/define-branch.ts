import { RequestMapping, RequestMethod, UseFilters, UseGuards, applyDecorators } from '@nestjs/common';
import { DtmConfigError } from '../../../protocol/internal.js';
import { describeValue } from '../../../support/describe-value.js';
import { hasRoute } from '../../undocumented/route-metadata.js';
import { BranchMetadata, findBranchDefinition, type BranchPurpose } from '../definition/branch-definition.js';
import { routeDecoratorError } from '../definition/route-decorator-error.js';
import { parseRpcName } from '../definition/rpc-name.js';
import { BranchExceptionFilter } from '../serve/branch-exception.filter.js';
import { wrapBranchMethod } from '../serve/branch-method.js';
import { BranchGuard } from '../serve/branch.guard.js';

/** Where callers find a branch, and how long they wait for it. */
export interface BranchRouteOptions {
  /** Path below the controller's path. @default the method name */
  readonly path?: string | undefined;
  /**
   * Full name of the gRPC service, e.g. `bank.Bank`.
   *
   * @default `nestjsdtm.<class name without Controller>`, a service that needs no .proto and takes JSON
   */
  readonly service?: string | undefined;
  /** Name of the gRPC method. @default the method name with its first letter in upper case */
  readonly rpc?: string | undefined;
  /**
   * Longest time of one call of the branch in seconds: of this method, and of its companions. Go dtm gives this time to every call of a
   * transaction with the branch.
   *
   * @default `requestTimeoutSeconds` of the transaction, or else that of the coordinator, 3
   */
  readonly requestTimeoutSeconds?: number | undefined;
}

/**
 * Makes a method an endpoint that dtm can call: a composition of Nest's decorators on a wrapped method. The route takes all
 * HTTP methods because Nest keeps one mapping for each method, and POST and GET must pass the same guards.
 *
 * @param target - prototype of the controller
 * @param options - where callers find it
 * @param purpose - the operation that it serves
 * @param descriptor - the method as the decorators below left it
 * @throws DtmConfigError when the method is missing, serves another operation already, or has no valid gRPC name
 */
export function defineBranch(
  target: object,
  name: string,
  options: BranchRouteOptions,
  purpose: BranchPurpose,
  descriptor: PropertyDescriptor | undefined = Object.getOwnPropertyDescriptor(target, name),
): void {
  const where = branchName(target, name);
  if (typeof target === 'function') {
    throw new DtmConfigError(`${where} is static; make it an instance method of the controller`);
  }
  if (typeof descriptor?.value !== 'function') throw missingMethod(target, name, purpose);
  const present = findBranchDefinition(descriptor.value);
  if (present) {
    throw new DtmConfigError(
      `${where} is ${describePurpose(present)} and cannot also be ${describePurpose(purpose)}; a method serves one operation, so add another method that calls it`,
    );
  }
  if (hasRoute(descriptor.value)) throw routeDecoratorError(where);
  const rpc = parseRpcName(target.constructor.name, name, options);
  descriptor.value = wrapBranchMethod(descriptor.value);
  applyDecorators(
    BranchMetadata({ ...purpose, rpc, requestTimeoutSeconds: parseTimeout(where, options) }),
    RequestMapping({ path: options.path ?? name, method: RequestMethod.ALL }),
    UseGuards(BranchGuard),
    UseFilters(BranchExceptionFilter),
  )(target, name, descriptor);
  Object.defineProperty(target, name, descriptor);
}

/**
 * Names a branch method in messages, `Controller.method`.
 *
 * @throws DtmConfigError when the decorator is on the class itself
 */
export function branchName(target: object, name: string | undefined): string {
  if (name !== undefined) return `${classNameOf(target)}.${name}`;
  throw new DtmConfigError(
    `${classNameOf(target)} has a branch decorator on the class; move the decorator to the method that is the branch`,
  );
}

function missingMethod(target: object, name: string, purpose: BranchPurpose): DtmConfigError {
  const owner = classNameOf(target);
  const subject =
    'companionOf' in purpose
      ? `${owner}.${purpose.companionOf}: ${purpose.op} names "${name}"`
      : `${owner}.${name} has a branch decorator`;
  return new DtmConfigError(
    name in target
      ? `${subject}, but ${owner} inherits ${name}, or ${name} is not a method; declare the method in ${owner} itself, where it may call super.${name}`
      : `${subject}, but ${owner} has no method ${name}; add the method or correct the name`,
  );
}

function describePurpose(purpose: BranchPurpose): string {
  const { transType, op } = purpose;
  return 'companionOf' in purpose ? `the ${op} of ${purpose.companionOf}` : `a ${transType} ${op}`;
}

function classNameOf(target: object): string {
  return typeof target === 'function' ? target.name : target.constructor.name;
}

function parseTimeout(where: string, { requestTimeoutSeconds: seconds }: BranchRouteOptions): number | undefined {
  if (seconds === undefined || (Number.isInteger(seconds) && seconds > 0)) return seconds;
  throw new DtmConfigError(
    `${where}: requestTimeoutSeconds is ${describeValue(seconds)}; give a whole number of seconds, 1 or more`,
  );
}
