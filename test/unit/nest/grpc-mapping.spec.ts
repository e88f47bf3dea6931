import { GrpcMethod, MessagePattern, Transport } from '@nestjs/microservices';
import { PATTERN_HANDLER_METADATA, PATTERN_METADATA, TRANSPORT_METADATA } from '@nestjs/microservices/constants.js';
import { PatternHandler } from '@nestjs/microservices/enums/pattern-handler.enum.js';
import { MsgBranch, SagaBranch } from 'nestjs-dtm';
import { describe, expect, test } from 'vitest';
import { mapGrpcMethod } from '../../../lib/nest/undocumented/message-pattern.js';

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

/** `service/rpc` of all names that gRPC would find the method by. */
function namesOf(method: keyof BankController): string[] {
  const handler = BankController.prototype[method];
  mapGrpcMethod(BankController, handler);
  const patterns = Reflect.getMetadata(PATTERN_METADATA, handler) as { service: string; rpc: string }[];
  return patterns.map(({ service, rpc }) => `${service}/${rpc}`);
}

describe('a branch method over gRPC', () => {
  test('has the metadata that Nest reads', () => {
    namesOf('transOut');
    const handler = BankController.prototype.transOut;
    expect(Reflect.getMetadata(PATTERN_HANDLER_METADATA, handler)).toBe(PatternHandler.MESSAGE);
    expect(Reflect.getMetadata(TRANSPORT_METADATA, handler)).toBe(Transport.GRPC);
    expect(Reflect.getMetadata(PATTERN_METADATA, handler)).toContainEqual({
      service: 'bank.Bank',
      rpc: 'Pay',
      streaming: 'no_stream',
    });
  });

  test("is found by its decorator's names and by Nest's convention", () => {
    expect(namesOf('transOut')).toEqual(['bank.Bank/Pay', 'BankController/Pay', 'Bank/Pay']);
  });

  test.each(['above', 'below'] as const)('keeps what a @GrpcMethod %s the branch decorator says', (method) => {
    const own = method === 'above' ? 'Above' : 'Below';
    const names = ['old.Bank/Move', `nestjsdtm.Bank/${own}`, `BankController/${own}`, `Bank/${own}`];
    expect(namesOf(method)).toEqual(names);
    expect(namesOf(method)).toEqual(names);
  });

  test('is left to another transport when it serves one', () => {
    mapGrpcMethod(BankController, BankController.prototype.paid);
    expect(Reflect.getMetadata(TRANSPORT_METADATA, BankController.prototype.paid)).toBe(Transport.REDIS);
    expect(Reflect.getMetadata(PATTERN_METADATA, BankController.prototype.paid)).toEqual(['paid']);
  });

  test.each([{ service: 'bank/Bank' }, { service: '' }, { rpc: 'Trans-Out' }, { rpc: '1' }])(
    'is refused at class definition with the name %j',
    (address) => {
      expect(() => {
        class Bad {
          @SagaBranch({ compensate: false, ...address })
          pay(): void {}
        }
        return Bad;
      }).toThrow(/Bad\.pay: gRPC knows no method/);
    },
  );
});
