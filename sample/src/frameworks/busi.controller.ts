import { Controller } from '@nestjs/common';
import { BranchPayload, DtmFailureError, SagaBranch } from 'nestjs-dtm';

/** A transfer of busi.proto, and the same as JSON over HTTP. */
export interface Transfer {
  readonly amount: number;
  readonly userId: number;
}

/** A larger amount makes the saga fail and roll back. */
const MOST = 500;

/** The bank of DTM's pages, over gRPC as `busi.Busi/TransOut` and so on, over HTTP at `/TransOut`. */
@Controller()
export class BusiController {
  @SagaBranch({ service: 'busi.Busi', compensate: 'TransOutRevert' })
  TransOut(@BranchPayload() { amount, userId }: Transfer): void {
    console.log(`transfer out ${amount} cents from ${userId}`);
  }

  TransOutRevert(@BranchPayload() { amount, userId }: Transfer): void {
    console.log(`revert transfer out ${amount} cents from ${userId}`);
  }

  @SagaBranch({ service: 'busi.Busi', compensate: 'TransInRevert' })
  TransIn(@BranchPayload() { amount, userId }: Transfer): void {
    console.log(`transfer in ${amount} cents to ${userId}`);
    if (amount > MOST) throw new DtmFailureError(`at most ${MOST} cents can be transferred at a time`);
  }

  TransInRevert(@BranchPayload() { amount, userId }: Transfer): void {
    console.log(`revert transfer in ${amount} cents to ${userId}`);
  }
}
