import { GrpcMethod, MessagePattern, Transport } from '@nestjs/microservices';
import { PATTERN_HANDLER_METADATA, PATTERN_METADATA, TRANSPORT_METADATA } from '@nestjs/microservices/constants.js';
import { PatternHandler } from '@nestjs/microservices/enums/pattern-handler.enum.js';
import { describe, expect, test } from 'vitest';
import { GRPC_TRANSPORT, addGrpcPatterns } from '../../../../lib/nest/undocumented/message-pattern.js';

const METADATA = [PATTERN_METADATA, PATTERN_HANDLER_METADATA, TRANSPORT_METADATA];

class BankController {
  plain(): void {}

  @GrpcMethod('bank.Bank', 'Pay')
  decorated(): void {}

  @MessagePattern('paid', Transport.REDIS)
  redis(): void {}
}

const { plain, decorated, redis } = BankController.prototype;

describe('addGrpcPatterns', () => {
  test('leaves the metadata of @GrpcMethod()', () => {
    addGrpcPatterns(plain, [{ service: 'bank.Bank', rpc: 'Pay' }]);
    for (const key of METADATA)
      expect(Reflect.getMetadata(key, plain)).toEqual(Reflect.getMetadata(key, decorated) as unknown);
    expect(Reflect.getMetadata(PATTERN_HANDLER_METADATA, plain)).toBe(PatternHandler.MESSAGE);
    expect(GRPC_TRANSPORT).toBe(Transport.GRPC);
  });

  test('adds to the names of @GrpcMethod(), each name once', () => {
    for (let times = 0; times < 2; times++) {
      addGrpcPatterns(decorated, [
        { service: 'bank.Bank', rpc: 'Pay' },
        { service: 'Bank', rpc: 'Decorated' },
      ]);
    }
    expect(Reflect.getMetadata(PATTERN_METADATA, decorated)).toEqual([
      { service: 'bank.Bank', rpc: 'Pay', streaming: 'no_stream' },
      { service: 'Bank', rpc: 'Decorated', streaming: 'no_stream' },
    ]);
  });

  test('leaves a method of another transport alone', () => {
    addGrpcPatterns(redis, [{ service: 'bank.Bank', rpc: 'Pay' }]);
    expect(Reflect.getMetadata(TRANSPORT_METADATA, redis)).toBe(Transport.REDIS);
    expect(Reflect.getMetadata(PATTERN_METADATA, redis)).toEqual(['paid']);
  });
});
