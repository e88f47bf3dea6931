import { describe, expect, it } from 'vitest';
import { DtmConfigError, DtmStoreError } from 'nestjs-dtm/protocol';
import { explainStartFailure } from '../../../lib/cli/serve/explain-start-failure.js';

describe('explainStartFailure', () => {
  it.each([
    ['cannot listen on x:1: taken', 'ListenHost (LISTEN_HOST) and HttpPort (HTTP_PORT)'],
    ['gRPC cannot listen on x:1: taken', 'ListenHost (LISTEN_HOST) and GrpcPort (GRPC_PORT)'],
  ])('adds the settings to "%s"', (message, settings) => {
    const cause = new DtmConfigError(message);
    const failure = explainStartFailure(cause);
    expect(failure).toBeInstanceOf(DtmConfigError);
    expect(failure).toMatchObject({ message: `${message}; the settings are ${settings}`, cause });
  });

  it.each([
    new DtmStoreError('store file x is damaged'),
    new DtmConfigError('MicroService.Driver: none'),
    new Error('cannot listen on x:1'),
    'a text',
  ])('does not change %s', (error) => {
    expect(explainStartFailure(error)).toBe(error);
  });
});
