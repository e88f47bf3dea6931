import type { ExecutionContext } from '@nestjs/common';
import { BranchBarrier } from '../../../barrier/index.js';
import { DtmConfigError, type BranchContext } from '../../../protocol/internal.js';
import type { XaParticipant } from '../../../xa/index.js';
import { findHostCall, type IncomingBranchCall } from '../serve/incoming-branch-call.js';
import { createSealedParameter } from './create-sealed-parameter.js';

/** Injects the {@link BranchContext} of the call: global id, branch and operation. */
export const Branch: () => ParameterDecorator = createSealedParameter(
  '@Branch()',
  (execution): BranchContext => getHostCall(execution, '@Branch()').context,
);

/** Injects the {@link BranchBarrier} of the call; all parameters of a call get the same one. */
export const Barrier: () => ParameterDecorator = createSealedParameter('@Barrier()', (execution): BranchBarrier => {
  const call = getHostCall(execution, '@Barrier()');
  call.barrier ??= new BranchBarrier(call.context);
  return call.barrier;
});

/** Injects the {@link XaParticipant} of the call; its `call` does the work of the first phase. */
export const Xa: () => ParameterDecorator = createSealedParameter('@Xa()', (execution): XaParticipant<unknown> => {
  const { xa, handler } = getHostCall(execution, '@Xa()');
  if (xa) return xa;
  throw new DtmConfigError(`${handler} uses @Xa() but is no XA branch; decorate it with @XaBranch`);
});

function getHostCall(execution: ExecutionContext, decorator: string): IncomingBranchCall {
  const call = findHostCall(execution);
  if (call) return call;
  throw new DtmConfigError(
    `${execution.getClass().name}.${execution.getHandler().name} uses ${decorator} but is no branch; decorate it with @SagaBranch, @TccAction, @MsgBranch or @XaBranch`,
  );
}
