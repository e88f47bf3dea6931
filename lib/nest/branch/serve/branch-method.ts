import { GUARDS_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { Type } from '@nestjs/common';
import { isObservable, lastValueFrom } from 'rxjs';
import { DtmConfigError } from '../../../protocol/internal.js';
import { findIncomingCall, type IncomingBranchCall } from './incoming-branch-call.js';
import { BranchGuard } from './branch.guard.js';
import type { BranchDefinition } from '../definition/branch-definition.js';
import { mapGrpcMethod } from '../../undocumented/message-pattern.js';
import { awaitNestedTccs } from './nested-tccs.js';

type Method = (this: unknown, ...args: unknown[]) => unknown;
type RouteArgs = Record<string, { readonly index: number; readonly data?: unknown; readonly pipes?: unknown[] }>;

/**
 * Behind its own parameters a branch method gets the request, and what Nest gives as headers over HTTP and as metadata over
 * gRPC. Nest reads what stands before the colon; what it makes itself has the index behind it.
 */
const BEHIND_THE_OTHERS = [`${RouteParamtypes.REQUEST}:nestjs-dtm`, `${RouteParamtypes.HEADERS}:nestjs-dtm`] as const;

/**
 * The method that takes the place of a branch method. Called by dtm it is counted while it runs; called by anyone else it is
 * the method itself. An interceptor could do that, too, but takes a third of what Nest needs for a whole request.
 *
 * @param method - what the user wrote
 */
export function wrapBranchMethod(method: Method): Method {
  const counted: Method = function (...args) {
    const call = findIncomingCall(args.at(-2)) ?? findIncomingCall(args.at(-1));
    if (!call || !isRoute(call, method, args.length)) return method.apply(this, args);
    return runCounted(call, method, this, args.slice(0, -BEHIND_THE_OTHERS.length));
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
function isRoute(call: IncomingBranchCall, method: Method, count: number): boolean {
  call.route ??= { method, count };
  return call.route.method === method && call.route.count === count;
}

async function runCounted(call: IncomingBranchCall, method: Method, self: unknown, args: unknown[]): Promise<unknown> {
  const { gate, definition } = call;
  gate.enter();
  try {
    const value = await valueOf(method.apply(self, args));
    if (call.xa && !call.xa.isBegun) throw neverBegun(call);
    // nobody reads what the others return, and Nest would start to send a stream
    if (!hasResult(definition)) return call.nothing;
    await awaitNestedTccs(call.context);
    return value ?? call.nothing;
  } catch (error) {
    // a nested try that is still under way must not meet its cancel
    if (definition.op === 'try') await awaitNestedTccs(call.context).catch(() => undefined);
    throw error;
  } finally {
    gate.leave();
  }
}

function neverBegun({ handler, context: { gid } }: IncomingBranchCall): DtmConfigError {
  return new DtmConfigError(
    `${handler} ended without xa.call(), so that its database took no part; do the work in xa.call of @Xa()`,
    { gid },
  );
}

/** Of all results only those that the initiator itself asked for are read: of tries, and of actions of XA. */
export function hasResult({ transType, op }: BranchDefinition): boolean {
  return op === 'try' || (transType === 'xa' && op === 'action');
}

/** Observables are subscribed here, so that nobody who gives up early makes the method look finished. */
async function valueOf(returned: unknown): Promise<unknown> {
  const result = await returned;
  return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
}

/**
 * Adds what can only be added when all decorators of a branch method have done their work, whatever their order: the
 * method gets who calls behind its own parameters, our guard is its last, and gRPC finds it. Nothing changes when it is done again.
 *
 * @param controller - class of the controller
 * @param method - name of the method
 */
export function completeBranchMethod(controller: Type, method: string): void {
  const handler = (controller.prototype as Record<string, Method>)[method]!;
  const guards = (Reflect.getMetadata(GUARDS_METADATA, handler) ?? []) as readonly unknown[];
  Reflect.defineMetadata(GUARDS_METADATA, [...guards.filter((guard) => guard !== BranchGuard), BranchGuard], handler);

  const args = { ...(Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, method) as RouteArgs | undefined) };
  for (const key of BEHIND_THE_OTHERS) delete args[key];
  const next = Math.max(0, ...Object.values(args).map(({ index }) => index + 1));
  for (const [offset, key] of BEHIND_THE_OTHERS.entries())
    args[key] = { index: next + offset, data: undefined, pipes: [] };
  Reflect.defineMetadata(ROUTE_ARGS_METADATA, args, controller, method);
  mapGrpcMethod(controller, handler);
}
