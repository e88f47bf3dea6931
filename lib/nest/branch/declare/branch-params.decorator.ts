import { Body, createParamDecorator, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';
import { BranchBarrier } from '../../../barrier/index.js';
import { DtmConfigError, type BranchContext } from '../../../protocol/internal.js';
import { grpcArgsOf } from '../../undocumented/grpc-arguments.js';
import { findIncomingCall, type IncomingBranchCall, type BranchRequest } from '../serve/incoming-branch-call.js';

/**
 * The payload of a branch, always its handler's first parameter; undefined when the call carries none. It is Nest's body,
 * over gRPC its message: pipes, the application's ValidationPipe among them, get its class as they do with `@Body()`.
 *
 * @param pipes - pipes for this parameter
 */
export function BranchPayload(...pipes: (Type<PipeTransform> | PipeTransform)[]): ParameterDecorator {
  return Body(...pipes);
}

/** Who calls the branch, and for what: a {@link BranchContext}. */
export const Branch: () => ParameterDecorator = createParamDecorator(
  (_data: unknown, context: ExecutionContext): BranchContext => getIncomingCall(context, '@Branch()').context,
);

/** The {@link BranchBarrier} of the request, the same one wherever it is injected. */
export const Barrier: () => ParameterDecorator = createParamDecorator(
  (_data: unknown, context: ExecutionContext): BranchBarrier => {
    const call = getIncomingCall(context, '@Barrier()');
    call.barrier ??= new BranchBarrier(call.context);
    return call.barrier;
  },
);

/**
 * The call of a branch that is being answered.
 *
 * @param context - execution context of Nest
 * @param decorator - who asks, for the message
 * @throws DtmConfigError when it is none
 */
export function getIncomingCall(context: ExecutionContext, decorator: string): IncomingBranchCall {
  const call = findIncomingCall(grpcArgsOf(context)?.[1] ?? context.getArgByIndex<BranchRequest>(0));
  if (call) return call;
  throw new DtmConfigError(
    `${context.getClass().name}.${context.getHandler().name} uses ${decorator} but is no branch; decorate it with @SagaBranch, @TccAction, @MsgBranch or @XaBranch`,
  );
}
