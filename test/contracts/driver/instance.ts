import * as grpc from '@grpc/grpc-js';
import type { DtmDriver } from 'nestjs-dtm/driver';
import { onTestFinished } from 'vitest';
import { GrpcParticipant } from '../../support/grpc-participant.js';
import { Participant } from '../../support/participant.js';
import type { DriverBed } from './driver-bed.js';

/** A service that can be called, and says who it is. */
export interface Instance {
  /** `host:port`. */
  readonly address: string;
  /** Ends it as a crash would. */
  stop(): Promise<void> | void;
}

/** Calls a service by its name. */
export type Ask = () => Promise<string>;

const METHOD = 'bank.Bank/In';

/** Starts an instance on a free port; it answers with its address. */
export async function startInstance(over: DriverBed['over']): Promise<Instance> {
  if (over === 'grpc') {
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
 * Calls a service as the package's clients do: by gRPC's own resolver, or by the driver's HTTP names.
 *
 * @param bed - the driver's
 * @param driver - finds it
 * @param service - its name
 * @returns asks once, and says which instance answered
 */
export async function asking(bed: DriverBed, driver: DtmDriver, service: string): Promise<Ask> {
  const address = bed.address(service);
  if (bed.over === 'http') {
    return async () => {
      const { url } = await driver.http!.resolve(address);
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
      const deadline = Date.now() + 10_000;
      client.makeUnaryRequest(`/${METHOD}`, asItIs, asItIs, Buffer.alloc(0), { deadline }, (error, answer) =>
        error ? reject(error) : resolve(answer!.toString()),
      );
    });
}

function asItIs(bytes: Buffer): Buffer {
  return bytes;
}
