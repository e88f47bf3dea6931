import { GrpcMethod, MessagePattern, Transport } from '@nestjs/microservices';
import { PATTERN_METADATA, TRANSPORT_METADATA } from '@nestjs/microservices/constants.js';
import { MsgBranch, SagaBranch } from 'nestjs-dtm';
import { describe, expect, test } from 'vitest';
import { completeBranchMethod } from '../../../lib/nest/branch/discover/complete-branch-method.js';

class BankController {
  @SagaBranch({ compensate: false, service: 'bank.Bank', rpc: 'Pay' })
  transOut(): void {}

  @GrpcMethod('old.Bank', 'Move')
  @SagaBranch({ compensate: false })
  above(): void {}

  @SagaBranch({ compensate: false })
  @GrpcMethod('old.Bank', 'Move')
  below(): void {}

  @MsgBranch()
  @MessagePattern('paid', Transport.REDIS)
  paid(): void {}
}

/** `service/rpc` of all names under which gRPC finds the method. */
function namesOf(method: keyof BankController): string[] {
  completeBranchMethod(BankController, method);
  const patterns = Reflect.getMetadata(PATTERN_METADATA, BankController.prototype[method]) as {
    service: string;
    rpc: string;
  }[];
  return patterns.map(({ service, rpc }) => `${service}/${rpc}`);
}

describe('a branch method over gRPC', () => {
  test("is found by its decorator's names and by Nest's convention", () => {
    expect(namesOf('transOut')).toEqual(['bank.Bank/Pay', 'BankController/Pay', 'Bank/Pay']);
  });

  test.each(['above', 'below'] as const)('keeps the names of a @GrpcMethod %s the branch decorator', (method) => {
    const own = method === 'above' ? 'Above' : 'Below';
    const names = ['old.Bank/Move', `nestjsdtm.Bank/${own}`, `BankController/${own}`, `Bank/${own}`];
    expect(namesOf(method)).toEqual(names);
    expect(namesOf(method)).toEqual(names);
  });

  test('is left to another transport when it serves one', () => {
    completeBranchMethod(BankController, 'paid');
    expect(Reflect.getMetadata(TRANSPORT_METADATA, BankController.prototype.paid)).toBe(Transport.REDIS);
    expect(Reflect.getMetadata(PATTERN_METADATA, BankController.prototype.paid)).toEqual(['paid']);
  });

  test.each([{ service: 'bank/Bank' }, { service: '' }, { rpc: 'Trans-Out' }, { rpc: '1' }])(
    'is rejected at class definition with the name %j',
    (options) => {
      expect(() => {
        class Bad {
          @SagaBranch({ compensate: false, ...options })
          pay(): void {}
        }
        return Bad;
      }).toThrow(/^Bad\.pay: .* is not a valid name in gRPC; give a service such as bank\.Bank/);
    },
  );
});
