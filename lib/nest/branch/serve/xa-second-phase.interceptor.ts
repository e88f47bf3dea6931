import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { defer, type Observable } from 'rxjs';
import { findHostCall, type IncomingBranchCall } from './incoming-branch-call.js';
import { shareClass } from '../../../support/share-class.js';

/**
 * Commits and rolls back XA branches in place of their method. It runs before the pipes because the second phase has no
 * payload.
 */
@shareClass('XaSecondPhaseInterceptor', Injectable)
@Injectable()
export class XaSecondPhaseInterceptor implements NestInterceptor {
  /** @internal */
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const call = findHostCall(context);
    return call?.xa?.isSecondPhase ? defer(() => finishXa(call)) : next.handle();
  }
}

async function finishXa({ inFlight, xa, emptyReply }: IncomingBranchCall): Promise<unknown> {
  inFlight.begin();
  try {
    await xa!.finish();
    return emptyReply;
  } finally {
    inFlight.end();
  }
}
