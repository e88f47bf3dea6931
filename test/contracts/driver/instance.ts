import * as grpc from '@grpc/grpc-js';
import type { DtmDriver } from 'nestjs-dtm/driver';
import { onTestFinished } from 'vitest';
import { GrpcParticipant } from '../../support/grpc-participant.js';
import { Participant } from '../../support/participant.js';
import type { DriverFixture } from './driver-fixture.js';

/** An instance that answers with its address. */
export interface Instance {
  /** `host:port`. */
  readonly address: string;
  /** Ends the instance like a crash. */
  stop(): Promise<void> | void;
}

/** Calls a service by its name. */
export type Call = () => Promise<string>;

const METHOD = 'bank.Bank/In';

/** Starts an instance on a free port. */
export async function startInstance(protocol: DriverFixture['protocol']): Promise<Instance> {
  if (protocol === 'grpc') {
    const participant = await GrpcParticipant.start();
    participant.answer(METHOD, { message: Buffer.from(participant.address) });
    return participant;
  }
  const participant = await Participant.start();
  const address = participant.origin.slice('http://'.length);
  participant.answer('/in', { body: address });
  return { address, stop: () => participant.close() };
}

/**
 * Calls a service as the clients of the package do: through the resolver of gRPC, or of HTTP names.
 *
 * @param fixture - fixture of the driver
 * @param driver - the driver that looks the service up
 * @param service - its name
 * @param timeoutMs - time of a call, and of its wait for an address
 * @returns calls once, and returns the address of the instance
 */
export async function callTo(
  fixture: DriverFixture,
  driver: DtmDriver,
  service: string,
  timeoutMs = 10_000,
): Promise<Call> {
  const address = fixture.address(service);
  if (fixture.protocol === 'http') {
    return async () => {
      const { url } = await driver.http!.resolve(address, timeoutMs);
      const answer = await fetch(url, { signal: AbortSignal.timeout(5000) });
      return answer.text();
    };
  }
  await driver.registerGrpcResolver();
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), {
    'grpc.enable_http_proxy': 0,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 500,
  });
  onTestFinished(() => client.close());
  return () =>
    new Promise((resolve, reject) => {
      const deadline = Date.now() + timeoutMs;
      client.makeUnaryRequest(`/${METHOD}`, asItIs, asItIs, Buffer.alloc(0), { deadline }, (error, answer) =>
        error ? reject(error) : resolve(answer!.toString()),
      );
    });
}

function asItIs(bytes: Buffer): Buffer {
  return bytes;
}
