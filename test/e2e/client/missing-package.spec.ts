import { describe, expect, it } from 'vitest';
import { runWithoutPackage } from '../../support/run-without-package.js';

const print = '(error) => console.log(error.code + " " + error.message)';

describe('a package that is not installed', () => {
  it('@grpc/grpc-js is named by open(), with the command that installs it', async () => {
    const code = `
      const { dtmGrpcClient } = await import('nestjs-dtm/client');
      await dtmGrpcClient('localhost:36790').open().catch(${print});`;
    expect(await runWithoutPackage('@grpc/grpc-js', code)).toBe(
      'DTM_CONFIG gRPC needs the package @grpc/grpc-js; run: npm install @grpc/grpc-js',
    );
  });

  it('@grpc/grpc-js is not needed for anything else', async () => {
    const code = `
      const { dtmClient, Saga } = await import('nestjs-dtm/client');
      await dtmClient('http://localhost:1').newGid().catch(({ code }) => console.log(code));`;
    expect(await runWithoutPackage('@grpc/grpc-js', code)).toBe('DTM_CONNECTION');
  });

  it('@grpc/proto-loader is named by protoPayloads(), with the command that installs it', async () => {
    const code = `
      const { protoPayloads } = await import('nestjs-dtm/client');
      try {
        protoPayloads({ protoPath: 'bank.proto' });
      } catch (error) {
        (${print})(error);
      }`;
    expect(await runWithoutPackage('@grpc/proto-loader', code)).toBe(
      'DTM_CONFIG protoPayloads needs the package @grpc/proto-loader; run: npm install @grpc/proto-loader',
    );
  });
});
