import { GUARDS_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { Type } from '@nestjs/common';
import { isObservable, lastValueFrom } from 'rxjs';
import { branchCallOf, type BranchCall } from './branch-call.js';
import { BranchGuard } from './branch.guard.js';
import { settleNested } from './nested-tccs.js';

type Method = (this: unknown, ...args: unknown[]) => unknown;
type RouteArgs = Readonly<Record<string, { readonly index: number }>>;

/** Nest reads what stands before the colon; what it makes itself has the index behind it. */
const REQUEST_BEHIND_THE_OTHERS = `${RouteParamtypes.REQUEST}:nestjs-dtm`;

/**
 * The method that takes the place of a branch method. Called by dtm it is counted while it runs; called by anyone else it is
 * the method itself. An interceptor could do that, too, but takes a third of what Nest needs for a whole request.
 *
 * @param method - what the user wrote
 */
export function branchMethod(method: Method): Method {
  const counted: Method = function (...args) {
    const call = branchCallOf(args.at(-1));
    if (!call || !isRoute(call, method, args.length)) return method.apply(this, args);
    args.pop();
    return runCounted(call, method, this, args);
  };
  for (const key of Reflect.getOwnMetadataKeys(method)) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, method), counted);
  }
  return Object.defineProperties(counted, {
    name: { value: method.name, configurable: true },
    length: { value: method.length, configurable: true },
  });
}

/**
 * The first who comes with the request of a call is Nest, which may come again for an interceptor. A branch method that calls
 * one with its own `@Req()` at the end is not meant.
 */
function isRoute(call: BranchCall, method: Method, count: number): boolean {
  call.route ??= { method, count };
  return call.route.method === method && call.route.count === count;
}

async function runCounted(call: BranchCall, method: Method, self: unknown, args: unknown[]): Promise<unknown> {
  const { gate, definition } = call;
  gate.enter();
  try {
    const value = await valueOf(method.apply(self, args));
    // nobody reads what the others return, and Nest would start to send a stream
    if (definition.op !== 'try') return undefined;
    await settleNested(call.context);
    return value;
  } catch (error) {
    // a nested try that is still under way must not meet its cancel
    if (definition.op === 'try') await settleNested(call.context).catch(() => undefined);
    throw error;
  } finally {
    gate.leave();
  }
}

/** Observables are subscribed here, so that nobody who gives up early makes the method look finished. */
async function valueOf(returned: unknown): Promise<unknown> {
  const result = await returned;
  return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
}

/**
 * Adds what can only be added when all decorators of a branch method have done their work, whatever their order: the
 * method gets the request behind its own parameters, and our guard is its last. Nothing changes when it is done again.
 *
 * @param controller - class of the controller
 * @param method - name of the method
 */
export function completeBranchMethod(controller: Type, method: string): void {
  const handler = (controller.prototype as Record<string, Method>)[method]!;
  const guards = (Reflect.getMetadata(GUARDS_METADATA, handler) ?? []) as readonly unknown[];
  Reflect.defineMetadata(GUARDS_METADATA, [...guards.filter((guard) => guard !== BranchGuard), BranchGuard], handler);

  const { [REQUEST_BEHIND_THE_OTHERS]: _, ...args } = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, method) ??
    {}) as RouteArgs;
  const index = Math.max(0, ...Object.values(args).map((arg) => arg.index + 1));
  const request = { index, data: undefined, pipes: [] };
  Reflect.defineMetadata(ROUTE_ARGS_METADATA, { ...args, [REQUEST_BEHIND_THE_OTHERS]: request }, controller, method);
}
