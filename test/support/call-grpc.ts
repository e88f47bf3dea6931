import * as grpc from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';

/** A client of gRPC that ends with the test; its target may be any that a driver has made known. */
export function grpcClientOf(target: string): (method: string) => Promise<Buffer> {
  const client = new grpc.Client(target, grpc.credentials.createInsecure(), { 'grpc.enable_http_proxy': 0 });
  onTestFinished(() => client.close());
  return (method) =>
    new Promise((resolve, reject) => {
      const deadline = Date.now() + 15_000;
      client.makeUnaryRequest(method, asItIs, asItIs, Buffer.alloc(0), { deadline }, (error, answer) =>
        error ? reject(error) : resolve(answer!),
      );
    });
}

function asItIs(bytes: Buffer): Buffer {
  return bytes;
}
