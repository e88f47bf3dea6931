import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { errorText, type BranchContext } from '../../../protocol/internal.js';
import { normalizeBody, type RequestWithBody } from './branch-bodies.js';
import { readBranchRequest, attachIncomingCall, type IncomingBranchCall } from './incoming-branch-call.js';
import { findBranchDefinition, type BranchDefinition } from '../definition/branch-definition.js';
import { InFlightBranches } from './in-flight-branches.js';
import { RejectedCallException } from './rejected-call.exception.js';
import { TrackedXaBranch } from './tracked-xa-branch.js';
import { DtmSettings } from '../../options/dtm.options.js';
import { GenericMessage } from './generic-message.js';
import { grpcArgsOf, readBranchMetadata, type GrpcArgs } from '../../undocumented/grpc-arguments.js';

/** Lets only proper calls through to a branch method: the last of its guards, before interceptors and pipes. */
@Injectable()
export class BranchGuard implements CanActivate {
  constructor(
    private readonly gate: InFlightBranches,
    private readonly settings: DtmSettings,
  ) {}

  /** @internal */
  canActivate(execution: ExecutionContext): boolean {
    const definition = findBranchDefinition(execution.getHandler());
    if (!definition) return true;
    const call = grpcArgsOf(execution);
    if (call) return this.#admitGrpc(call, execution, definition);
    if (execution.getType() !== 'http') return true;

    // switchToHttp() would make three functions for it
    const request = execution.getArgByIndex<RequestWithBody>(0);
    const handler = `${execution.getClass().name}.${execution.getHandler().name}`;
    const { method } = request;
    if (method !== 'POST' && method !== 'GET') {
      throw new RejectedCallException(405, `${handler} is a branch: it answers POST and GET, not ${method}`);
    }
    const context = contextOf(() => readBranchRequest(request), handler, definition);
    attachIncomingCall(request, this.#call(context, definition, handler));
    normalizeBody(request);
    this.gate.check();
    return true;
  }

  #call(context: BranchContext, definition: BranchDefinition, handler: string): IncomingBranchCall {
    const { databases, server } = this.settings;
    const xa =
      definition.transType === 'xa'
        ? readOrReject(() => new TrackedXaBranch(context, databases.xa(definition.database), server))
        : undefined;
    return { context, definition, handler, gate: this.gate, xa };
  }

  #admitGrpc(args: GrpcArgs, execution: ExecutionContext, definition: BranchDefinition): boolean {
    const [message, metadata] = args;
    const handler = `${execution.getClass().name}.${execution.getHandler().name}`;
    const context = contextOf(() => readBranchMetadata(metadata), handler, definition);
    const isGeneric = message instanceof GenericMessage;
    attachIncomingCall(metadata, { ...this.#call(context, definition, handler), nothing: isGeneric ? undefined : {} });
    // Nest goes on with this very list
    if (isGeneric) args[0] = readOrReject(() => message.value());
    this.gate.check();
    return true;
  }
}

function readOrReject<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new RejectedCallException(400, errorText(cause), { cause });
  }
}

function contextOf(read: () => BranchContext, handler: string, definition: BranchDefinition): BranchContext {
  const context = readOrReject(read);
  const { transType, op } = definition;
  const isSecondPhase = transType === 'xa' && (context.op === 'commit' || context.op === 'rollback');
  if (context.transType !== transType || (context.op !== op && !isSecondPhase)) {
    throw new RejectedCallException(
      400,
      `${handler} serves ${transType} ${op}, but was called for ${context.transType} ${context.op}`,
    );
  }
  return context;
}
