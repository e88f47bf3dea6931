import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { BranchBarrier, DtmFailureError, DtmOngoingError, type TransType } from 'nestjs-dtm';
import { Bank } from '../bank/bank.js';
import { PayerController, ReceiverController } from './participants.js';
import type { Transfer } from './transfer.js';
import { FaultInjector } from './fault-injector.js';

/** Request of dtm. */
interface RpcRequest {
  readonly id: string;
  readonly method: RpcMethod;
  readonly params: Transfer & {
    readonly gid: string;
    readonly trans_type: TransType;
    readonly branch_id: string;
    readonly op: string;
  };
}

const METHODS = {
  out: ({ payer }, transfer, barrier) => payer.out(transfer, barrier),
  undoOut: ({ payer }, transfer, barrier) => payer.undoOut(transfer, barrier),
  confirmOut: ({ payer }, transfer, barrier) => payer.confirm(transfer, barrier),
  cancelOut: ({ payer }, transfer, barrier) => payer.cancel(transfer, barrier),
  pay: ({ payer }, transfer, barrier) => payer.pay(transfer, barrier),
  in: ({ receiver }, transfer, barrier) => receiver.in(transfer, barrier),
  undoIn: ({ receiver }, transfer, barrier) => receiver.undoIn(transfer, barrier),
  confirmIn: ({ receiver }, transfer, barrier) => receiver.confirm(transfer, barrier),
  cancelIn: ({ receiver }, transfer, barrier) => receiver.cancel(transfer, barrier),
  receive: ({ receiver }, transfer, barrier) => receiver.receive(transfer, barrier),
} as const satisfies Record<
  string,
  (
    participants: { payer: PayerController; receiver: ReceiverController },
    transfer: Transfer,
    barrier: BranchBarrier,
  ) => Promise<void>
>;

export type RpcMethod = keyof typeof METHODS;

/** The same participants as a JSON-RPC service without the decorators of this library. */
@Controller('rpc')
export class RpcController {
  readonly #participants: { readonly payer: PayerController; readonly receiver: ReceiverController };

  constructor(@Inject(Bank) bank: Bank, @Inject(FaultInjector) faults: FaultInjector) {
    this.#participants = {
      payer: new PayerController(bank, faults),
      receiver: new ReceiverController(bank, faults),
    };
  }

  @Post()
  @HttpCode(200)
  async call(@Body() { id, method, params }: RpcRequest): Promise<object> {
    const { gid, trans_type: transType, branch_id: branchId, op, ...transfer } = params;
    const barrier = new BranchBarrier({ gid, transType, branchId, op });
    try {
      await METHODS[method](this.#participants, transfer, barrier);
      return { jsonrpc: '2.0', id, result: null, error: null };
    } catch (error) {
      return { jsonrpc: '2.0', id, error: { code: codeOf(error), message: String(error) } };
    }
  }
}

function codeOf(error: unknown): number {
  if (error instanceof DtmFailureError) return -32901;
  return error instanceof DtmOngoingError ? -32902 : -32603;
}
