import { isObservable, lastValueFrom } from 'rxjs';
import { DtmConfigError } from '../../../protocol/internal.js';
import { processWide } from '../../../support/process-wide.js';
import { CALL_ARGUMENT_COUNT } from '../../undocumented/route-arguments.js';
import { hasResult } from '../definition/branch-definition.js';
import { findIncomingCall, type IncomingBranchCall } from './incoming-branch-call.js';
import { awaitNestedTccs } from './nested-tccs.js';

type Method = (this: unknown, ...args: unknown[]) => unknown;

const wrappedMethods = processWide('wrappedMethods', () => new WeakSet<object>());

/**
 * Whether a call has certainly not begun to run its method. A decorator that replaced the method from outside may have called it
 * without the arguments that show the call.
 *
 * @param call - undefined when the call was refused before the branch guard, which is the last guard
 */
export function hasNotBegun(call: IncomingBranchCall | undefined): boolean {
  return !call || (call.route === undefined && wrappedMethods.has(call.callback));
}

/**
 * Wraps a branch method. A call of dtm is counted while the method runs; any other call goes to the method directly. An
 * interceptor would add a third to the time that Nest needs for a request.
 */
export function wrapBranchMethod(method: Method): Method {
  const wrapped: Method = function (...args) {
    // request and headers of HTTP, or null and the metadata of gRPC
    const call = findIncomingCall(args.at(-2)) ?? findIncomingCall(args.at(-1));
    if (!call || !isRoute(call, method, args.length)) return method.apply(this, args);
    return runBranch(call, method, this, args.slice(0, -CALL_ARGUMENT_COUNT));
  };
  wrappedMethods.add(wrapped);
  for (const key of Reflect.getOwnMetadataKeys(method)) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, method), wrapped);
  }
  return Object.defineProperties(wrapped, {
    name: { value: method.name, configurable: true },
    length: { value: method.length, configurable: true },
  });
}

/**
 * Nest's route calls the first method that receives the request; an interceptor may call this method again. If the
 * handler calls another branch method with its `@Req()` as the last argument, that is a direct call.
 */
function isRoute(call: IncomingBranchCall, method: Method, count: number): boolean {
  call.route ??= { method, count };
  return call.route.method === method && call.route.count === count;
}

async function runBranch(call: IncomingBranchCall, method: Method, self: unknown, args: unknown[]): Promise<unknown> {
  const { inFlight, definition, context } = call;
  inFlight.begin();
  try {
    const result = await resultOf(method.apply(self, args));
    if (call.xa && !call.xa.isBegun) throw xaNeverBegun(call);
    // Nest would send a stream although no caller reads the result
    if (!hasResult(definition)) return call.emptyReply;
    await awaitNestedTccs(context);
    return result ?? call.emptyReply;
  } catch (error) {
    // the cancel must not overtake a nested try; the error of the method is the one to report
    if (definition.op === 'try') await awaitNestedTccs(context).catch(() => undefined);
    throw error;
  } finally {
    inFlight.end();
  }
}

function xaNeverBegun({ handler, context: { gid } }: IncomingBranchCall): DtmConfigError {
  return new DtmConfigError(
    `${handler} ended without a call of xa.call(), so its database did not join the transaction; run the statements inside xa.call()`,
    { gid },
  );
}

/**
 * Subscribes to an observable here, so that the method counts as running even after a later subscriber has
 * unsubscribed.
 */
async function resultOf(returned: unknown): Promise<unknown> {
  const result = await returned;
  return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
}
