import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { errorText, type BranchContext } from '../../../protocol/internal.js';
import { settleBody, type RequestWithBody } from './branch-bodies.js';
import { readBranchRequest, setBranchCall, type BranchCall } from './branch-call.js';
import { definitionOf, type BranchDefinition } from '../declare/branch-definition.js';
import { BranchGate } from './branch-gate.js';
import { BranchRefusal } from './branch-refusal.js';
import { XaCall } from './xa-call.js';
import { DtmSettings } from '../../dtm.options.js';
import { GenericMessage } from '../../grpc/generic-message.js';
import { grpcArgsOf, readBranchMetadata, type GrpcArgs } from '../../grpc/grpc-call.js';

/** Lets only proper calls through to a branch method: the last of its guards, before interceptors and pipes. */
@Injectable()
export class BranchGuard implements CanActivate {
  constructor(
    private readonly gate: BranchGate,
    private readonly settings: DtmSettings,
  ) {}

  /** @internal */
  canActivate(execution: ExecutionContext): boolean {
    const definition = definitionOf(execution.getHandler());
    if (!definition) return true;
    const call = grpcArgsOf(execution);
    if (call) return this.#admitGrpc(call, execution, definition);
    if (execution.getType() !== 'http') return true;

    // switchToHttp() would make three functions for it
    const request = execution.getArgByIndex<RequestWithBody>(0);
    const handler = `${execution.getClass().name}.${execution.getHandler().name}`;
    const { method } = request;
    if (method !== 'POST' && method !== 'GET') {
      throw new BranchRefusal(405, `${handler} is a branch: it answers POST and GET, not ${method}`);
    }
    const context = contextOf(() => readBranchRequest(request), handler, definition);
    setBranchCall(request, this.#call(context, definition, handler));
    settleBody(request);
    this.gate.check();
    return true;
  }

  #call(context: BranchContext, definition: BranchDefinition, handler: string): BranchCall {
    const { databases, server } = this.settings;
    const xa =
      definition.transType === 'xa'
        ? refusing(() => new XaCall(context, databases.xa(definition.database), server))
        : undefined;
    return { context, definition, handler, gate: this.gate, xa };
  }

  #admitGrpc(args: GrpcArgs, execution: ExecutionContext, definition: BranchDefinition): boolean {
    const [message, metadata] = args;
    const handler = `${execution.getClass().name}.${execution.getHandler().name}`;
    const context = contextOf(() => readBranchMetadata(metadata), handler, definition);
    const isGeneric = message instanceof GenericMessage;
    setBranchCall(metadata, { ...this.#call(context, definition, handler), nothing: isGeneric ? undefined : {} });
    // Nest goes on with this very list
    if (isGeneric) args[0] = refusing(() => message.value());
    this.gate.check();
    return true;
  }
}

function refusing<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new BranchRefusal(400, errorText(cause), { cause });
  }
}

function contextOf(read: () => BranchContext, handler: string, definition: BranchDefinition): BranchContext {
  const context = refusing(read);
  const { transType, op } = definition;
  const isSecondPhase = transType === 'xa' && (context.op === 'commit' || context.op === 'rollback');
  if (context.transType !== transType || (context.op !== op && !isSecondPhase)) {
    throw new BranchRefusal(
      400,
      `${handler} serves ${transType} ${op}, but was called for ${context.transType} ${context.op}`,
    );
  }
  return context;
}
