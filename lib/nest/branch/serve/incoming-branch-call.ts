import type { ArgumentsHost } from '@nestjs/common';
import type { BranchBarrier } from '../../../barrier/index.js';
import type { BranchContext } from '../../../protocol/internal.js';
import { findGrpcArguments } from '../../undocumented/grpc-arguments.js';
import { findRequestOf } from '../../undocumented/node-messages.js';
import type { BranchDefinition } from '../definition/branch-definition.js';
import type { InFlightBranches } from './in-flight-branches.js';
import type { TrackedXaBranch } from './tracked-xa-branch.js';

const CALL = Symbol.for('nestjs-dtm:call');

/** A call of one of the application's branch methods. */
export interface IncomingBranchCall {
  /** dtm's parameters. */
  readonly context: BranchContext;
  readonly definition: BranchDefinition;
  /** `Class.method`, for messages. */
  readonly handler: string;
  /** The function that Nest calls for the method. */
  readonly callback: object;
  readonly inFlight: InFlightBranches;
  /** Both phases of an XA branch. */
  readonly xa?: TrackedXaBranch | undefined;
  /** Reply without content: over gRPC `{}` for a message of a .proto. */
  readonly emptyReply?: object | undefined;
  /** The method that Nest's route leads to, and how many arguments Nest passes to it. */
  route?: { readonly method: unknown; readonly count: number };
  /** Created on first use: barrier ids count per request. */
  barrier?: BranchBarrier;
}

interface Carrier {
  [CALL]?: IncomingBranchCall;
}

/**
 * Attaches a call to the request of HTTP, or to the metadata of gRPC. A property of these objects is never
 * shared by two applications of the process.
 */
export function attachIncomingCall(carrier: object, call: IncomingBranchCall): void {
  (carrier as Carrier)[CALL] = call;
}

/** The call that {@link attachIncomingCall} attached to a value. */
export function findIncomingCall(carrier: unknown): IncomingBranchCall | undefined {
  return typeof carrier === 'object' && carrier !== null ? (carrier as Carrier)[CALL] : undefined;
}

/**
 * Attaches a call to the request of HTTP, and to a response that does not lead to it. A property of its own on each response
 * would make everything slower that Node and the platform do with it.
 */
export function attachHttpCall(request: object, response: object, call: IncomingBranchCall): void {
  attachIncomingCall(request, call);
  if (findRequestOf(response) !== request) attachIncomingCall(response, call);
}

/** The call that a response of HTTP answers. */
export function findAnsweredCall(response: object): IncomingBranchCall | undefined {
  return findIncomingCall(findRequestOf(response)) ?? findIncomingCall(response);
}

/** The call that a guard, interceptor, pipe or filter of Nest works on. */
export function findHostCall(host: ArgumentsHost): IncomingBranchCall | undefined {
  return findIncomingCall(findGrpcArguments(host)?.[1] ?? host.getArgByIndex<unknown>(0));
}
