import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { defer, type Observable } from 'rxjs';
import { grpcArgsOf } from '../../grpc/grpc-call.js';
import { branchCallOf, type BranchCall, type BranchRequest } from './branch-call.js';

/** Does commit and rollback of XA branches in place of the method, before any pipe asks for a payload: there is none. */
@Injectable()
export class XaSecondPhase implements NestInterceptor {
  /** @internal */
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const call = branchCallOf(grpcArgsOf(context)?.[1] ?? context.getArgByIndex<BranchRequest>(0));
    return call?.xa?.isSecondPhase ? defer(() => finish(call)) : next.handle();
  }
}

async function finish({ gate, xa, nothing }: BranchCall): Promise<unknown> {
  gate.enter();
  try {
    await xa!.finish();
    return nothing;
  } finally {
    gate.leave();
  }
}
