import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { defer, type Observable } from 'rxjs';
import { grpcArgsOf } from '../../undocumented/grpc-arguments.js';
import { findIncomingCall, type IncomingBranchCall, type BranchRequest } from './incoming-branch-call.js';

/** Does commit and rollback of XA branches in place of the method, before any pipe asks for a payload: there is none. */
@Injectable()
export class XaSecondPhase implements NestInterceptor {
  /** @internal */
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const call = findIncomingCall(grpcArgsOf(context)?.[1] ?? context.getArgByIndex<BranchRequest>(0));
    return call?.xa?.isSecondPhase ? defer(() => finish(call)) : next.handle();
  }
}

async function finish({ gate, xa, nothing }: IncomingBranchCall): Promise<unknown> {
  gate.enter();
  try {
    await xa!.finish();
    return nothing;
  } finally {
    gate.leave();
  }
}
