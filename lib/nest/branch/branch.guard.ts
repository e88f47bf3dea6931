import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { BranchContext } from '../../protocol/index.js';
import { settleBody, type RequestWithBody } from './branch-bodies.js';
import { readBranchRequest, setBranchCall } from './branch-call.js';
import { definitionOf, type BranchDefinition } from './branch-definition.js';
import { BranchGate } from './branch-gate.js';
import { BranchRefusal } from './branch-refusal.js';

/** Lets only proper calls through to a branch method: the last of its guards, before interceptors and pipes. */
@Injectable()
export class BranchGuard implements CanActivate {
  constructor(private readonly gate: BranchGate) {}

  /** @internal */
  canActivate(execution: ExecutionContext): boolean {
    const definition = definitionOf(execution.getHandler());
    if (execution.getType() !== 'http' || !definition) return true;

    // switchToHttp() would make three functions for it
    const request = execution.getArgByIndex<RequestWithBody>(0);
    const handler = `${execution.getClass().name}.${execution.getHandler().name}`;
    const { method } = request;
    if (method !== 'POST' && method !== 'GET') {
      throw new BranchRefusal(405, `${handler} is a branch: it answers POST and GET, not ${method}`);
    }
    const context = contextOf(request, handler, definition);
    setBranchCall(request, { context, definition, handler, gate: this.gate });
    settleBody(request);
    this.gate.check();
    return true;
  }
}

function contextOf(request: RequestWithBody, handler: string, definition: BranchDefinition): BranchContext {
  let context: BranchContext;
  try {
    context = readBranchRequest(request);
  } catch (cause) {
    throw new BranchRefusal(400, cause instanceof Error ? cause.message : String(cause), { cause });
  }
  const { transType, op } = definition;
  if (context.transType !== transType || context.op !== op) {
    throw new BranchRefusal(
      400,
      `${handler} serves ${transType} ${op}, but was called for ${context.transType} ${context.op}`,
    );
  }
  return context;
}
