import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { lastValueFrom, of, type Observable } from 'rxjs';
import { SUCCESS_BODY, stringifyQuietly, type BranchContext } from '../../protocol/index.js';
import { settleBody, type RequestWithBody } from './branch-bodies.js';
import { readBranchRequest, setBranchCall } from './branch-call.js';
import { definitionOf, type BranchDefinition } from './branch-definition.js';
import { BranchGate } from './branch-gate.js';
import { BranchRefusal } from './branch-refusal.js';

/** Lets only proper calls through to a branch handler, and turns what it returns into dtm's answer. */
@Injectable()
export class BranchInterceptor implements NestInterceptor {
  constructor(
    private readonly gate: BranchGate,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** @internal */
  async intercept(execution: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const definition = definitionOf(execution.getHandler());
    if (execution.getType() !== 'http' || !definition) return next.handle();

    const { httpAdapter } = this.adapterHost;
    const request = execution.switchToHttp().getRequest<RequestWithBody>();
    const handler = `${execution.getClass().name}.${execution.getHandler().name}`;
    const method = httpAdapter.getRequestMethod(request) as string;
    if (method !== 'POST' && method !== 'GET') {
      throw new BranchRefusal(405, `${handler} is a branch: it answers POST and GET, not ${method}`);
    }
    const context = contextOf(request, handler, definition);
    setBranchCall(request, { context, handler });
    settleBody(request);

    return this.gate.run(async () => {
      // subscribed here, so that an outer interceptor that gives up early does not make the handler look finished
      const result: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
      const body = definition.op === 'try' ? resultBody(result) : SUCCESS_BODY;
      const response: unknown = execution.switchToHttp().getResponse();
      // the last word: to dtm every other status is an error, also one of the 2xx that @HttpCode or @Res may have set
      httpAdapter.status(response, 200);
      httpAdapter.setHeader(response, 'Content-Type', 'application/json');
      return of(body);
    });
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

/** Of all results only that of a try is read. Nothing is no text, which {@link Tcc.call} gives back as undefined. */
function resultBody(result: unknown): string {
  return result === undefined ? '' : stringifyQuietly(result);
}
